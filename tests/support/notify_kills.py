"""A pipeline in a process of its own that is killed while it sends, and what must be true then.

Run as a module it is that process: ``python -m tests.support.notify_kills DATABASE_URL RECEIVER``.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import func, select

from models.database import Database
from models.notifications import NotificationRow as Row
from services.inventory.schema import Contact, WebhookAddress
from services.notify.channels import Message, Receipt
from services.notify.channels.webhook import Webhook
from services.notify.pipeline import Pipeline
from services.notify.retry import Status
from services.rule import Channel, NotificationPlan
from tests.support.outbox import NOW, Installation
from tests.support.wait import eventually, until
from tests.support.web import LocalServer

ROOT = Path(__file__).resolve().parents[2]
#: How much faster the time of the outbox passes: 30 s of gathering are one second.
FASTER = 30.0
ALERTS = 20
PLAN = NotificationPlan(channels=(Channel.WEBHOOK, Channel.EMAIL))
SECRET = "whsec_aGVhbHRoZGVjay1pbi1hLXRlc3Qtb2YtaXRzLW93bg=="


def fast_clock() -> float:
    return NOW + (time.time() - NOW) * FASTER


class Post:
    """A channel that gathers messages and sends them where a test can see them."""

    name = "email"

    def __init__(self, url: str) -> None:
        self._url = f"{url}/mail"

    def send(self, message: Message) -> Receipt:
        body = json.dumps({**message.body, "event": message.event}).encode()
        headers = {"Idempotency-Key": message.id}
        request = urllib.request.Request(self._url, body, headers)
        with urllib.request.urlopen(request, timeout=60):
            return Receipt(message.id)


def contact(url: str) -> Contact:
    hook = WebhookAddress(url=f"{url}/hook", secret=SecretStr(SECRET))
    return Contact(name="Ops", email="ops@example.com", webhook=hook)


def serve(database_url: str, receiver: str) -> None:
    """Sends what is in the outbox until it is killed."""
    known = contact(receiver)
    pipeline = Pipeline(
        Database(database_url),
        {
            "webhook": Webhook(lambda: [known], [ip_network("127.0.0.0/8")]),
            "email": Post(receiver),
        },
        clock=fast_clock,
        lease=60 * FASTER,
        send_limit=60,
        limits={},
    )
    pipeline.start()
    print("ready", flush=True)  # noqa: T201
    pause = threading.Event()
    while True:
        pipeline.sweep()
        pause.wait(0.05)


class Play:
    """An outbox, a receiver, and the process between them."""

    def __init__(self, database: Database, receiver: LocalServer) -> None:
        self.home = Installation(database)
        self._receiver = receiver
        self._process: subprocess.Popen[bytes] | None = None
        self._reader = threading.Thread()

    def start(self) -> None:
        url = self.home.database.engine.url.render_as_string(False)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.notify_kills", url, self._receiver.url],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == b"ready":
                break
        self._reader = threading.Thread(target=self._process.stdout.read, daemon=True)
        self._reader.start()

    def kill(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.kill()
            self._process.wait(10)
            self._reader.join(10)
            self._process.stdout.close()
            self._process = None

    def round(self, number: int, dice: random.Random) -> None:
        """Twenty alerts fire and end; somewhere in the sending of one or the other a kill."""
        ids = [f"k{number}-{one}" for one in range(ALERTS)]
        fatal = dice.choice(("firing", "ending"))
        for step in ("firing", "ending"):
            self.home.clock.now = fast_clock()
            before = len(self._receiver.requests)
            if step == "firing":
                self.home.burst(ids, PLAN, contacts=self._contacts, vps=_vps)
            else:
                self.home.end(ids)
            if step == fatal:
                self._await_more(before)
                # At times not before what was gathered leaves.
                until(time.time() + dice.uniform(0, 0.4) + dice.choice((0.0, 0.0, 0.9)))
                self.kill()
                self.start()
            self.finish(60)

    def _await_more(self, before: int) -> None:
        requests = self._receiver.requests
        eventually(lambda: len(requests) > before, 60, "something arrives", every=0.01)

    def _contacts(self, _alert_id: str) -> list[Contact]:
        return [contact(self._receiver.url)]

    def finish(self, timeout: float) -> None:
        """Waits until all is sent."""

        def left() -> int:
            with self.home.database.read() as session:
                waits = select(func.count()).select_from(Row).where(Row.status != Status.SENT)
                return session.scalars(waits).one()

        eventually(lambda: left() == 0, timeout, "everything is sent")


def killed(database: Database, receiver: LocalServer, kills: int, seed: int) -> Counter[str]:
    """Asserts what a receiver may rely on; how many extra copies each path got."""
    play, dice = Play(database, receiver), random.Random(seed)
    play.start()
    try:
        for number in range(kills):
            play.round(number, dice)
    finally:
        play.kill()
    extra: Counter[str] = Counter()
    for path in ("/hook", "/mail"):
        bodies: dict[str, list[Any]] = {}
        for request in receiver.requests:
            if request.path == path:
                key = request.headers["idempotency-key"]
                bodies.setdefault(key, []).append(json.loads(request.body))
        heard = Counter(pair for copies in bodies.values() for pair in _happened(copies[0]))
        ids = [f"k{number}-{one}" for number in range(kills) for one in range(ALERTS)]
        assert heard == {(id_, event): 1 for id_ in ids
                         for event in ("alert.fired", "alert.resolved")}, path  # fmt: skip
        assert all(copy == copies[0] for copies in bodies.values() for copy in copies)
        extra[path] = sum(len(copies) - 1 for copies in bodies.values())
        assert extra[path] <= kills
    return extra


def _vps(alert_id: str) -> str:
    """Four scopes, so that mails gather what follows."""
    return f"vps-{int(alert_id.rpartition('-')[2]) % 4}"


def _happened(body: dict[str, Any]) -> list[tuple[str, str]]:
    if body["event"] != "alert.digest":
        return [(body["id"], body["event"])]
    return [(alert["id"], event) for alert in body["alerts"] for event in alert["events"]]


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
