"""A scripted incident of half an hour, its monitor killed (SIGKILL) at random moments of it, and
what must be the same afterwards.

The clock is the incident's: it stands still while the monitor is down, and what is not stored is
told again, as agents do. So nothing but the kill tells a disturbed run from an undisturbed one,
and their histories can be compared word for word.
"""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple

from sqlalchemy import select

from models.alerts import AlertEvent, AlertRow
from models.database import Database
from services.alerts.manage import AlertDesk
from services.history import alive
from services.identity.audit import Actor
from tests.support.alert_course import (
    EPOCH,
    INTERVAL,
    SECOND_LOOK_AFTER,
    SECOND_TIMEOUT,
    TIMEOUT,
    Course,
    Metrics,
    Trouble,
    calm,
    fleet_of,
    server,
    service,
    tenant,
)
from tests.support.alert_stage import PATIENCE as ENDS
from tests.support.alert_stage import Found, Stage

LENGTH = 1800
#: Seconds from tick to tick, and within which each target is looked at once.
TICK = 1.0
#: And after which it is silent.
PATIENCE = 2 * INTERVAL + TIMEOUT + TICK
LOOK = INTERVAL + TIMEOUT + SECOND_LOOK_AFTER + SECOND_TIMEOUT
OPERATOR = "operator"
BUSY = ("vps-3", EPOCH + 500, EPOCH + 1000)


class Act(NamedTuple):
    """What an operator does about an alert, ``at`` a second of the incident."""

    at: int
    does: str
    rule: str
    target: str


ACTS = (
    Act(700, "acknowledge", "vps-not-reporting", "vps-2"),
    Act(880, "snooze", "service-down", "vps-1/web"),
    Act(900, "resolve", "high-cpu-usage", "vps-3"),
)


def incident(seed: int) -> Course:
    """A database fails for eight minutes, which is escalated; a server dies and returns, a service
    of it stays broken; another comes and goes; CPU is at its limit; an operator takes part."""
    services = [
        service("web", "frontend", ["api"]), service("api", "backend", ["postgres"]),
        service("postgres", "database"), service("redis", "redis"), service("s3", "s3"),
    ]  # fmt: skip
    servers = [server(f"vps-{n}", services) for n in (1, 2, 3)]
    fleet = fleet_of(servers, [tenant(f"tenant-{n}", f"vps-{n % 3 + 1}/web") for n in range(6)])
    troubles = [
        Trouble("vps-1/postgres", EPOCH + 60, EPOCH + 540),
        Trouble("vps-1/web", EPOCH + 720, EPOCH + 1300, "answers 503"),
        Trouble("vps-2", EPOCH + 400, EPOCH + 800, "hangs"),
        Trouble("vps-2/redis", EPOCH + 400, EPOCH + 1200),
        *(Trouble("vps-3/s3", EPOCH + at, EPOCH + at + 160) for at in range(100, 1400, 320)),
    ]
    return Course(fleet, seed, troubles, metrics=_busy)


def _busy(dice: random.Random) -> Metrics:
    quiet, (which, begin, end) = calm(dice), BUSY

    def read(key: str, at: float) -> dict[str, float]:
        seen = quiet(key, at)
        return seen | {"system.cpu.usage": 97.0} if key == which and begin <= at < end else seen

    return read


def live(url: str, seed: int, says: Connection | None = None) -> None:
    """The monitor, from what is stored to the end of the incident; ``says`` hears each second."""
    database = Database(url)
    stage = Stage(database, incident(seed), each=True)
    desk = AlertDesk(
        database, stage.engine, stage.intake, lambda _target, _scope: True, lambda: stage.now
    )
    reached = stage.now
    for now, arrived in stage.course.seconds(LENGTH):
        if now < reached:
            continue
        if now % alive.EVERY == 0:
            alive.note(database, now)
        if says is not None:
            says.send(round(now - EPOCH))
        stage.second(now, arrived if now > reached else None)
        for act in ACTS:
            if EPOCH + act.at == now:
                _do(database, desk, act, now)
    stage.close()
    database.close()


def _do(database: Database, desk: AlertDesk, act: Act, now: float) -> None:
    """Once, as one does who was not answered and asks again."""
    with database.read() as session:
        done = select(AlertEvent.id).where(AlertEvent.at == now, AlertEvent.actor == OPERATOR)
        if session.scalars(done).first() is not None:
            return
        query = select(AlertRow.id).where(
            AlertRow.rule_id == act.rule, AlertRow.target == act.target,
            AlertRow.resolved_at.is_(None),
        )  # fmt: skip
        alert_id = session.scalars(query).one()
    match act.does:
        case "acknowledge":
            desk.acknowledge(alert_id, Actor(OPERATOR))
        case "snooze":
            desk.snooze(alert_id, now + 200, Actor(OPERATOR))
        case "resolve":
            desk.resolve(alert_id, Actor(OPERATOR))


def undisturbed(url: str, seed: int) -> Found:
    database = Database(url)
    database.migrate()
    live(url, seed)
    found = Found(database)
    database.close()
    return found


def killed(url: str, seed: int, kills: int, dice: random.Random) -> tuple[Found, list[int]]:
    """The same incident with ``kills`` kills at random seconds (given back), each at a random
    moment of its transactions."""
    database = Database(url)
    database.migrate()
    seconds = sorted(dice.sample(range(1, LENGTH), kills))
    for second in [*seconds, None]:
        _live_until(url, seed, second, dice.uniform(0.0, 0.01))
    found = Found(database)
    database.close()
    return found, seconds


def _live_until(url: str, seed: int, second: int | None, into: float) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    hears, says = context.Pipe(duplex=False)
    monitor = context.Process(target=live, args=(url, seed, says), daemon=True)
    monitor.start()
    says.close()
    try:
        while hears.poll(ENDS):
            reached = hears.recv()
            if second is not None and reached >= second:
                monitor.join(into)
                assert monitor.is_alive() or monitor.exitcode == 0
                monitor.kill()
                monitor.join(ENDS)
                return
    except EOFError:
        pass
    finally:
        hears.close()
    monitor.join(ENDS)
    assert (second, monitor.exitcode) == (None, 0), f"to be killed at {second}: {monitor.exitcode}"


def differences(
    undisturbed: Found, disturbed: Found, kills: Sequence[int]
) -> tuple[list[str], float]:
    """Where two histories part, in words, and by how many seconds they differ at most.

    Each transition of each alert, and each message to each recipient, must be the same in the same
    order. Not compared are the words in which a message that waits says what it waits for. Times
    may differ by a look: a failure that waited for the answer of the monitor's own witnesses goes
    with the monitor, and whether a server is back is seen by looks since it began. Of silence they
    may by the patience that everybody gets anew from a monitor that begins.
    """
    one, other, found, latest = undisturbed.history(), disturbed.history(), [], 0.0
    for pair in sorted({*one, *other}):
        mine, theirs = (
            [entry for entry in history.get(pair, ()) if entry[1] != "withheld"]
            for history in (one, other)
        )
        if [entry[1:] for entry in mine] != [entry[1:] for entry in theirs]:
            found.append(f"{pair}: {mine} and not {theirs}")
            continue
        for (at, kind, *_), (then, *_) in zip(mine, theirs, strict=True):
            latest = max(latest, abs(then - at))
            if abs(then - at) <= LOOK:
                continue
            anew = any(kill <= then <= kill + PATIENCE + TICK for kill in kills)
            if not (anew and pair.startswith("vps-not-reporting") and at < then):
                found.append(f"{pair}: {kind} at {then:.1f} and not at {at:.1f}")
    return found, latest
