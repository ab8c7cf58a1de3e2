"""Many alerts through channels that fail, hang and are away, and to one recipient at once.

``make test`` plays them small (tests/integration/test_pipeline_plays.py), ``make soak`` in full.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.inventory.schema import Contact
from services.notify.channels import DeliveryError, Message
from services.notify.pipeline import SEND_LIMIT, Pipeline
from services.notify.retry import Reason
from services.rule import Channel, NotificationPlan, Severity
from tests.support.outbox import NOW, TEMPORARY, Clock, Installation, Recorder, failing
from tests.support.wait import until

#: Accelerated seconds: of the whole play, and of the one channel's absence in its middle.
SPAN, AWAY = 1200.0, (300.0, 900.0)
#: Accelerated seconds that a hanging call would take if nobody ended it.
HANGING = 60.0
#: Real seconds that a call may take at least, however fast the time passes: machines are busy.
PATIENCE = 0.5
MAILS_EACH = 5


@dataclass
class Story:
    """Real seconds from the commit to the healthy channel, in the order of the alerts."""

    waits: list[float]

    def p95(self) -> list[float]:
        """Before, during and after the outage."""
        edges = [0, *(int(len(self.waits) * at / SPAN) for at in AWAY), len(self.waits)]
        parts = [sorted(self.waits[a:b]) for a, b in itertools.pairwise(edges)]
        return [part[int(0.95 * (len(part) - 1))] for part in parts]


class Channels:
    """``webhook`` fails at random, ``apprise`` hangs at times, ``email`` is away for ten minutes,
    ``inApp`` is well. ``limit``: real seconds after which a hanging call is given up."""

    def __init__(self, clock: Clock, seed: int, limit: float) -> None:
        self._dice = random.Random(seed)
        self._clock = clock
        self._hanging = limit * HANGING / SEND_LIMIT
        self._over = threading.Event()
        self._hung: set[str] = set()
        self.seen: dict[str, float] = {}
        self.webhook, self.apprise = Recorder("webhook"), Recorder("apprise")
        self.email, self.in_app = Recorder("email"), Recorder("inApp")
        self.webhook.on_send = lambda message: (
            TEMPORARY(message) if self._dice.random() < 0.2 else None
        )
        self.apprise.on_send = self._hang_at_times
        self.email.on_send = self._away
        self.in_app.on_send = self._note

    def all(self) -> tuple[Recorder, ...]:
        return self.webhook, self.apprise, self.email, self.in_app

    def close(self) -> None:
        self._over.set()

    def _hang_at_times(self, message: Message) -> None:
        if message.id not in self._hung and self._dice.random() < 0.02:
            self._hung.add(message.id)
            self._over.wait(self._hanging)
            raise DeliveryError("It never answered.", permanent=False, reason=Reason.TIMEOUT)

    def _away(self, message: Message) -> None:
        if AWAY[0] <= self._clock.now - NOW < AWAY[1]:
            failing(permanent=False, reason=Reason.CONNECTION_FAILED)(message)

    def _note(self, message: Message) -> None:
        self.seen[str(message.alert_id)] = time.perf_counter()


def through_bad_channels(home: Installation, count: int, a_second: float, seed: int) -> Story:
    """So many alerts of distinct scopes, ``a_second`` of them in each real second, on four
    channels. Everything must be sent in the end, and nothing twice."""
    limit = max(SEND_LIMIT * count / (SPAN * a_second), PATIENCE)
    channels = Channels(home.clock, seed, limit)
    pipeline = home.pipeline(*channels.all(), send_limit=limit)
    told: dict[str, float] = {}
    begun = time.time()
    try:
        for number in range(count):
            until(begun + number / a_second)
            home.clock.now = NOW + SPAN * number / count
            _fire_everywhere(home, number)
            told[f"a{number}"] = time.perf_counter()
            pipeline.wake()
            if not number % 5:
                pipeline.sweep()
        finish(home, pipeline, 600)
    finally:
        channels.close()
    rows = home.rows()
    assert Counter(row.status for row in rows) == {"sent": 4 * count}
    for channel in channels.all():
        assert Counter(m.id for m in channel.sent) == {
            row.id: 1 for row in rows if row.channel == channel.name
        }
    assert len(channels.webhook.tried) > count, "nothing failed"
    assert len(channels.email.tried) > count, "nothing was away"
    return Story([channels.seen[id_] - at for id_, at in told.items()])


def _fire_everywhere(home: Installation, number: int) -> None:
    who = f"contact-{number // MAILS_EACH}"
    contact = Contact(name=who, email=f"{who}@example.com")
    home.burst([f"a{number}"], NotificationPlan(channels=(Channel.EMAIL, Channel.IN_APP)),
               contacts=lambda _: [contact])  # fmt: skip
    for channel, recipient in ((Channel.WEBHOOK, None), (Channel.APPRISE, number % 20)):
        names = () if recipient is None else (f"slack://team-{recipient}",)
        home.burst(
            [f"a{number}"], NotificationPlan(channels=(channel,), recipients=names), new=False
        )


def finish(home: Installation, pipeline: Pipeline, seconds: float) -> None:
    """Lets accelerated time pass until nothing waits any more."""
    ends = time.monotonic() + seconds
    while any(row.status in ("queued", "sending") for row in home.rows()):
        assert time.monotonic() < ends, Counter(
            (r.channel, r.status, r.reason) for r in home.rows()
        )
        home.clock.now += 30
        pipeline.sweep()
        assert pipeline.idle(120)


def storm(home: Installation, count: int, critical: Callable[[int], bool]) -> list[Recorder]:
    """So many alerts of distinct scopes within an accelerated minute, all for one recipient, by
    mail and SMS; then hours in which what waits is told."""
    channels = [Recorder("email"), Recorder("sms")]
    sent_at: dict[str, float] = {}
    for channel in channels:
        channel.on_send = lambda message: sent_at.__setitem__(message.id, home.clock.now)
    pipeline = home.pipeline(*channels)
    plan = NotificationPlan(channels=(Channel.EMAIL, Channel.SMS))
    for step in range(20):
        numbers = range(count * step // 20, count * (step + 1) // 20)
        for severe in (True, False):
            ids = [f"a{number}" for number in numbers if critical(number) is severe]
            home.burst(ids, plan, Severity.CRITICAL if severe else Severity.WARNING)
        home.clock.now += 3
        pipeline.sweep()
        assert pipeline.idle(120)
    finish(home, pipeline, 600)
    for channel, limit in zip(channels, (10, 5), strict=True):
        assert Counter(m.id for m in channel.tried) == Counter(m.id for m in channel.sent)
        most = limit + (10 if any(map(critical, range(count))) else 0)
        moments = sorted(sent_at[m.id] for m in channel.sent)
        for at in moments:
            assert sum(at <= other < at + 3600 for other in moments) <= most
        assert Counter(told(channel.sent)) == {f"a{number}": 1 for number in range(count)}
    return channels


def told(messages: Sequence[Message]) -> list[str]:
    """Each alert that the messages tell of, as often as they do."""
    return [one["id"] for m in messages for one in m.body.get("alerts", [m.body])]
