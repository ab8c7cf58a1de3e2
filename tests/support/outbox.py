"""An outbox with a clock of its own, and channels that do what a test wants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from pydantic import SecretStr
from sqlalchemy import select

from models.alerts import AlertRow
from models.database import Database
from models.notifications import NotificationRow as Row
from services.inventory.schema import Contact, WebhookAddress
from services.notify import claims, outbox
from services.notify.batching import LIMITS
from services.notify.channels import Channel as Way
from services.notify.channels import DeliveryError, Message, Receipt
from services.notify.directory import Directory
from services.notify.fallback import Fallbacks
from services.notify.pipeline import Pipeline
from services.notify.retry import Reason
from services.rule import Channel, NotificationPlan, Severity

NOW = 1_763_634_600.0
LEASE = 20.0
OPS = Contact(
    name="Ops",
    email="ops@example.com",
    phone="+31600000000",
    webhook=WebhookAddress(url="https://hooks.example/ops", secret=SecretStr("c2VjcmV0")),
)
AVAILABLE = frozenset({"webhook", "inApp"})
HOOK = NotificationPlan(channels=(Channel.WEBHOOK,))
MAIL = NotificationPlan(channels=(Channel.EMAIL,))


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Recorder:
    """A channel that keeps what it is given, after ``on_send`` has had its say."""

    def __init__(self, name: str = "webhook", delivered: bool = False) -> None:
        self.name = name
        self.delivered = delivered
        self.on_send: Callable[[Message], None] = lambda message: None
        self.tried: list[Message] = []
        self.sent: list[Message] = []
        self._lock = threading.Lock()

    def send(self, message: Message) -> Receipt:
        with self._lock:
            self.tried.append(message)
        self.on_send(message)
        with self._lock:
            self.sent.append(message)
        return Receipt(f"p-{message.id[:8]}", self.delivered)

    def events(self) -> list[str]:
        return [message.event for message in self.sent]


class Gate:
    """Holds sends up until it is opened; ``entered`` counts who came."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self.entered = threading.Semaphore(0)

    def __call__(self, message: Message) -> None:
        self.entered.release()
        assert self._open.wait(20)

    def await_entry(self, count: int = 1) -> None:
        for _ in range(count):
            assert self.entered.acquire(timeout=5), "nothing was sent"

    def open(self) -> None:
        self._open.set()


def alert_row(alert_id: str) -> AlertRow:
    return AlertRow(
        id=alert_id, fingerprint=alert_id, rule_id="r", rule_name="R", target="vps-1",
        severity="critical", status="active", title="Down", message="No answer",
        value=None, threshold=None, triggered_at=NOW, impact=[],
    )  # fmt: skip


class Installation:
    """A database with its clock, and pipelines that end with the test."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock()
        self._pipelines: list[Pipeline] = []

    def pipeline(
        self,
        *channels: Way,
        database: Database | None = None,
        workers: int = 4,
        send_limit: float = 12,
        limits: Mapping[str, int] = LIMITS,
        troubled: Callable[[str, str, str | None], None] = lambda *_: None,
        fallbacks: Fallbacks | None = None,
    ) -> Pipeline:
        pipeline = Pipeline(
            database or self.database,
            {channel.name: channel for channel in channels},
            clock=self.clock,
            workers_per_channel=workers,
            lease=LEASE,
            send_limit=send_limit,
            jitter=lambda: 1.0,
            limits=limits,
            troubled=troubled,
            fallbacks=fallbacks,
        )
        self._pipelines.append(pipeline)
        pipeline.start()
        return pipeline

    def alert(self, alert_id: str) -> None:
        with self.database.write() as session:
            session.add(alert_row(alert_id))

    def burst(
        self,
        ids: Sequence[str],
        plan: NotificationPlan,
        severity: Severity = Severity.WARNING,
        contacts: Callable[[str], Sequence[Contact]] = lambda alert_id: [OPS],
        vps: Callable[[str], str] | None = None,
        new: bool = True,
    ) -> None:
        """Many alerts, told in one transaction to ``contacts`` of each. Without ``vps`` each has a
        scope of its own."""
        with self.database.write() as session:
            if new:
                session.add_all([alert_row(id_) for id_ in ids])
                session.flush()
            for id_ in ids:
                outbox.enqueue(
                    session, alert_id=id_, event="alert.fired",
                    body={"id": id_, "vpsId": vps and vps(id_)}, plan=plan, severity=severity,
                    people=Directory(contacts(id_)), channels=set(Channel), now=self.clock.now,
                )  # fmt: skip

    def end(self, ids: Sequence[str]) -> None:
        """Many alerts end, in one transaction, in the scopes in which they fired."""
        with self.database.write() as session:
            for id_ in ids:
                fired = session.scalars(select(Row).where(Row.alert_id == id_).limit(1)).one()
                outbox.enqueue_resolution(session, id_, dict(fired.body), self.clock.now)

    def fire(
        self,
        alert_id: str | Sequence[str] = "a1",
        plan: NotificationPlan = HOOK,
        new: bool = True,
        vps: str | None = None,
        severity: Severity = Severity.CRITICAL,
        channels: Collection[str] = AVAILABLE,
    ) -> int:
        """``vps``: the scope; without one each alert has a scope of its own. Of several alerts
        a pipeline that runs sees all or none."""
        ids = [alert_id] if isinstance(alert_id, str) else alert_id
        with self.database.write() as session:
            if new:
                session.add_all([alert_row(one) for one in ids])
                session.flush()
            return sum(
                outbox.enqueue(
                    session, alert_id=one, event="alert.fired",
                    body={"id": one, **({"vpsId": vps, "title": f"{one} is down"} if vps else {})},
                    severity=severity, plan=plan, people=Directory([OPS]), channels=channels,
                    now=self.clock.now,
                )
                for one in ids
            )  # fmt: skip

    def resolve(self, alert_id: str = "a1", vps: str | None = None) -> int:
        body = {"id": alert_id, **({"vpsId": vps} if vps else {})}
        with self.database.write() as session:
            return outbox.enqueue_resolution(session, alert_id, body, self.clock.now)

    def acknowledge(self, alert_id: str = "a1") -> int:
        with self.database.write() as session:
            return outbox.enqueue_acknowledgement(
                session, alert_id, {"id": alert_id}, self.clock.now
            )

    def rows(self) -> list[Row]:
        with self.database.read() as session:
            return list(session.scalars(select(Row).order_by(Row.created_at, Row.channel)))

    def states(self) -> list[tuple[str, str, str]]:
        return [(row.event, row.status, row.reason) for row in self.rows()]

    def fire_and_abandon(self) -> claims.Claim:
        """An alert's row as a process leaves it that is killed while sending. In one
        transaction, so that no pipeline of the test can be faster."""
        self.alert("a1")
        with self.database.write() as session:
            outbox.enqueue(
                session, alert_id="a1", event="alert.fired", body={}, severity=Severity.CRITICAL,
                plan=HOOK, people=Directory([OPS]), channels=AVAILABLE, now=self.clock.now,
            )  # fmt: skip
            row = session.scalars(claims.due(self.clock.now, ["webhook"])).one()
            claim = claims.take(session, row, "of-the-dead", self.clock.now + LEASE)
        assert claim is not None
        return claim

    def close(self) -> None:
        for pipeline in self._pipelines:
            pipeline.stop()


def failing(**options: Any) -> Callable[[Message], None]:
    def fail(message: Message) -> None:
        raise DeliveryError("The receiver answered 503.", **options)

    return fail


TEMPORARY = failing(permanent=False, reason=Reason.RECEIVER_ERROR)
PERMANENT = failing(permanent=True, reason=Reason.GONE)
