"""A message that tries a channel out, with what its receiver or provider said."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import BoundedSemaphore
from uuid import uuid4

from models.database import Database
from models.notifications import NotificationRow as Row
from services.errors import NotFound, Unavailable, ValidationError
from services.identity.audit import Actor, audit
from services.notify import claims
from services.notify.address import Destination, destinations
from services.notify.attempt import attempt
from services.notify.channels import Channel, Message
from services.notify.claims import Claim, Outcome
from services.notify.directory import Directory
from services.notify.pipeline import LEASE, SEND_LIMIT
from services.notify.retry import Reason, Status
from services.rule import Channel as Name
from services.rule import NotificationPlan
from services.settings import Settings

EVENT = "test"
#: Recipients of one test, and tests at a time.
MOST = 20
AT_ONCE = 4

#: The settings that a channel needs, of those that need any.
_SETTINGS = {
    "email": ("SMTP_URL", "MAIL_FROM"),
    "sms": ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"),
}


def missing(settings: Settings, channel: str) -> Sequence[str]:
    """The names of the settings that a channel needs and has not got."""
    needed = _SETTINGS.get(channel, ())
    return [name for name in needed if not getattr(settings, name.lower())]


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a test message to one recipient; ``seconds`` is how long that took. ``id`` is
    that of its notification."""

    id: str
    recipient: str
    outcome: Outcome
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.outcome.status in (Status.SENT, Status.DELIVERED)


class Trials:
    """``people`` are those that may be told; ``missing`` gives the settings that a channel still
    needs. ``limit``: seconds that a channel may take."""

    def __init__(
        self,
        database: Database,
        channels: Mapping[str, Channel],
        people: Callable[[], Directory],
        missing: Callable[[str], Sequence[str]],
        clock: Callable[[], float] = time.time,
        limit: float = SEND_LIMIT,
    ) -> None:
        self._database = database
        self._channels = channels
        self._people = people
        self._missing = missing
        self._clock = clock
        self._limit = limit
        self._turns = BoundedSemaphore(AT_ONCE)

    def send(self, channel: str, written: str, actor: Actor) -> Sequence[Tried]:
        """Sends a test message to a contact, a group, a rotation or an address and waits for how
        that goes; nothing is tried twice. Raises NotFound for a recipient that there is not,
        ValidationError for one that the channel cannot use, Unavailable while too many are under
        way."""
        targets = self._targets(channel, written)
        with self._turn():
            rows = [self._row(target, actor) for target in targets]
            with self._database.write() as session:
                session.add_all(rows)
                detail = {"notifications": [row.id for row in rows]}
                target = f"{channel}/{written}"[:320]
                audit(session, actor, "notification.test", target, self._clock(), detail)
            with ThreadPoolExecutor(len(rows), "notify-test") as pool:
                return list(pool.map(self._try, rows))

    def _targets(self, channel: str, written: str) -> Sequence[Destination]:
        plan = NotificationPlan(channels=(Name(channel),), recipients=(written,))
        found = destinations(plan, self._people(), self._channels, self._clock())
        useful = (None, Reason.CHANNEL_UNAVAILABLE)
        if not any(target.reason in useful for target in found):
            first = found[0] if found else None
            if first is not None and first.reason is Reason.NO_ADDRESS:
                problem = {"field": "recipient", "problem": first.detail}
                raise ValidationError(first.detail, [problem])
            raise NotFound(first.detail if first else f"There is nobody called '{written}'.")
        if len(found) > MOST:
            raise ValidationError(
                f"'{written}' means {len(found)} recipients; a test goes to {MOST} at most."
            )
        return found

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(blocking=False):
            raise Unavailable(
                f"{AT_ONCE} tests are under way, and no more are sent at a time; try again in a "
                "few seconds."
            )
        try:
            yield
        finally:
            self._turns.release()

    def _row(self, target: Destination, actor: Actor) -> Row:
        """What can be sent is ours from the beginning: no worker takes it, but after our death."""
        now, channel, detail = self._clock(), target.channel, target.detail
        if target.reason is Reason.CHANNEL_UNAVAILABLE and (names := self._missing(channel)):
            verb = "is" if len(names) == 1 else "are"
            detail = f"The channel {channel} is not set up: {', '.join(names)} {verb} missing."
        row = Row(
            id=uuid4().hex,
            event=EVENT,
            channel=channel,
            recipient=target.recipient,
            body={
                "title": "Test message from Healthdeck",
                "message": f"This channel works. Nothing is wrong. Sent by {actor.name}.",
                "severity": "info",
            },
            status=Status.UNDELIVERABLE,
            reason=target.reason or Reason.IN_PROGRESS,
            detail=detail,
            attempts=0,
            created_at=now,
            via=target.via,
        )
        if target.reason is None:
            row.status, row.attempts = Status.SENDING, 1
            row.claimed_by, row.lease_until = uuid4().hex, now + LEASE
        return row

    def _try(self, row: Row) -> Tried:
        if row.status != Status.SENDING:
            outcome = Outcome(Status(row.status), Reason(row.reason), row.detail)
            return Tried(row.id, row.recipient, outcome)
        message = Message(row.id, None, EVENT, row.recipient, row.body)
        claim = Claim(str(row.claimed_by), row.channel, 1, row.created_at, message, (), (), 1)
        begun = time.monotonic()
        outcome = attempt(self._channels[row.channel], claim, self._clock, 0.0, self._limit)
        seconds = time.monotonic() - begun
        if outcome.status is Status.QUEUED:
            # Whoever tries something out wants to know now, and may try again.
            outcome = replace(outcome, status=Status.FAILED, next_attempt_at=None)
        with self._database.write() as session:
            claims.record(session, claim, outcome)
        return Tried(row.id, row.recipient, outcome, seconds)
