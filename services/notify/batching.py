"""Which messages leave now, which wait to go together, and until when. Pure.

People get the first message about a scope at once and what follows within 30 s in one more. Who
has had many messages in an hour gets fewer and larger ones, and none beyond the limit: half of
the hour's messages may leave as they come, the other half are digests of everything that waits,
so that a storm is told of in full within minutes and not an hour later. Machines (webhook) and
the dashboard itself (inApp) get every message by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.notify.retry import Reason
from services.rule import Channel

BATCHED = frozenset({Channel.EMAIL.value, Channel.SMS.value, Channel.APPRISE.value})
#: Messages an hour to one recipient; a channel without a limit is not named.
LIMITS: Mapping[str, int] = {Channel.EMAIL.value: 10, Channel.SMS.value: 5}
#: How many more an hour there may be of critical alerts.
URGENT = 10
#: Seconds for which what follows a message is collected.
WINDOW = 30.0
HOUR = 3600.0
#: Seconds after which to look again when nobody can say when there will be room.
LOOK_AGAIN = 60.0
#: Rows of one message: what a mail, and a template, can carry.
LARGEST = 250


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row that could leave now; ``scope``: what it is about, as ``outbox.scope_of`` says it;
    ``held``: it has waited for room in the hour."""

    id: str
    alert_id: str
    scope: str
    critical: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """What one recipient was told on one channel. ``scopes``: when the latest message of each
    scope was made (30 s back are enough); ``counted``: for each message that counts for the hour
    when it was sent, None while it is still to be sent; ``latest``: when the last one was made."""

    scopes: Mapping[str, float] = field(default_factory=dict)
    counted: Sequence[float | None] = ()
    latest: float | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Rows that are looked at again at a moment, and why not before."""

    ids: tuple[str, ...]
    until: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Plan:
    """``messages``: the rows of each message to send now, their order kept."""

    messages: tuple[tuple[str, ...], ...]
    waits: tuple[Wait, ...]


def decide(waiting: Sequence[Waiting], past: Past, limit: int | None, now: float) -> Plan:
    """What becomes of the rows that wait for one recipient on one channel, the oldest first; each
    is in a message or in a wait. ``limit``: messages an hour, None for no limit. Rows of one alert
    never overtake each other."""
    desk = _Desk(past, limit, now)
    if any(row.held for row in waiting):
        # There is room again: for one message of everything, not for the oldest one by one.
        desk.digest(waiting)
        return desk.plan()
    together: list[Waiting] = []
    for scope, rows in _by_scope(waiting).items():
        free = desk.leaving_alone(rows)
        ends = min(past.scopes.get(scope, now - WINDOW), now) + WINDOW
        if free and ends > now:
            desk.wait(free, ends, Reason.BATCHED)
        elif free:
            desk.send(free)
        together += _without(rows, free)
    if together:
        desk.digest(together)
    return desk.plan()


class _Desk:
    """The decisions of one call; every message made counts for those after it."""

    def __init__(self, past: Past, limit: int | None, now: float) -> None:
        self._limit = limit
        self._now = now
        self._counted = list(past.counted)
        self._latest = past.latest
        self._messages: list[tuple[str, ...]] = []
        self._waits: list[Wait] = []

    def plan(self) -> Plan:
        return Plan(tuple(self._messages), tuple(self._waits))

    def leaving_alone(self, rows: Sequence[Waiting]) -> Sequence[Waiting]:
        """Those of a scope that need not wait for a digest of all scopes."""
        made = len(self._counted)
        if self._limit is None or made < self._limit - self._limit // 2:
            return rows
        if made < self._limit + URGENT - URGENT // 2:
            return _urgent(rows)
        return ()

    def send(self, rows: Sequence[Waiting]) -> None:
        self._messages.append(_ids(rows[:LARGEST]))
        self._counted.append(None)
        self._latest = self._now
        self.wait(rows[LARGEST:], self._now + WINDOW, _reason(rows))

    def wait(self, rows: Sequence[Waiting], until: float, reason: Reason) -> None:
        if rows:
            self._waits.append(Wait(_ids(rows), until, reason))

    def digest(self, rows: Sequence[Waiting]) -> None:
        """One message of all scopes, if there is room and the last one is 30 s old."""
        limit = self._limit or 0
        urgent = _urgent(rows)
        taken = rows if len(self._counted) < limit else urgent
        if not taken or len(self._counted) >= limit + URGENT:
            self._wait_for_room(rows, urgent)
            return
        latest = self._latest
        ends = self._now if latest is None else min(latest, self._now) + WINDOW
        if ends > self._now:
            self.wait(taken, ends, _reason(taken))
        else:
            self.send(taken)
        if taken is not rows:
            self._wait_for_room(_without(rows, taken), ())

    def _wait_for_room(self, rows: Sequence[Waiting], urgent: Sequence[Waiting]) -> None:
        limit = self._limit or 0
        for group, most in ((_without(rows, urgent), limit), (urgent, limit + URGENT)):
            if group:
                self.wait(group, self._room(most), Reason.LIMITED)

    def _room(self, limit: int) -> float:
        """When fewer than ``limit`` messages count, of those that are as many or more now."""
        known = sorted(at + HOUR for at in self._counted if at is not None)
        needed = len(self._counted) - limit
        if needed < len(known):
            return max(known[needed], self._now + 1.0)
        return self._now + LOOK_AGAIN


def _by_scope(rows: Iterable[Waiting]) -> Mapping[str, list[Waiting]]:
    scopes: dict[str, list[Waiting]] = {}
    for row in rows:
        scopes.setdefault(row.scope, []).append(row)
    return scopes


def _urgent(rows: Sequence[Waiting]) -> Sequence[Waiting]:
    """All rows of the alerts of which one is critical: a message does not overtake an earlier one
    of its alert."""
    alerts = {row.alert_id for row in rows if row.critical}
    return [row for row in rows if row.alert_id in alerts]


def _reason(rows: Iterable[Waiting]) -> Reason:
    """What was held stays so until it is told, so that it goes together."""
    return Reason.LIMITED if any(row.held for row in rows) else Reason.BATCHED


def _without(rows: Iterable[Waiting], others: Iterable[Waiting]) -> list[Waiting]:
    ids = {row.id for row in others}
    return [row for row in rows if row.id not in ids]


def _ids(rows: Iterable[Waiting]) -> tuple[str, ...]:
    return tuple(row.id for row in rows)
