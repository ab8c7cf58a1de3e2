"""What the past is answered from, on both databases, against plain arithmetic."""

from __future__ import annotations

import json
import random

import pytest

from services.health.score import SHARE
from services.health.status import Judgement
from services.history import running, shares, write
from services.history.plan import Plan
from services.history.settled import LAG, Settled, grid
from services.history.stored import Retention
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.observation import Status
from services.views import events
from tests.support.history import MONDAY, Plain, host, same, work

KEEP = Retention()
DAY = 86400
TARGETS = ["a", "b", "c"]


def kept(settled):
    """As it comes back from a cache."""
    return Settled.from_json(json.loads(json.dumps(settled.to_json())))


@pytest.fixture
def plain(database):
    """Three days of three machines; two are rolled up."""
    rng, plain, memory = random.Random(7), Plain(), write.Memory()
    for target in TARGETS:
        for day in range(3):
            begin = MONDAY + day * DAY
            times = sorted(rng.sample(range(DAY - 40_000 * (day == 2)), 120))
            batch = [host(target, begin + at, cpu=round(rng.uniform(0, 99), 2)) for at in times]
            plain.write(database, batch, memory)
    work(database, MONDAY + 2 * DAY + 3 * 3600)
    return plain


@pytest.mark.parametrize(("hours", "points"), [(2, 500), (24, 100), (50, 20), (60, 3), (40, 1)])
def test_settled_and_new_points_are_the_mean_of_all(database, plain, hours, points):
    now = MONDAY + 2 * DAY + 30_000
    start = now - hours * 3600
    plan = grid(start, now, points, now, KEEP, len(TARGETS))
    with database.read() as session:
        settled = running.settle(session, TARGETS, [TARGETS, ["b"]], "cpu", plan, now)
    for later in (0, 40, 200, 2000):
        with database.read() as session:
            both, one = running.go_on(session, kept(settled), "cpu", now + later)
        assert same(both.points, _plain(plain, TARGETS, plan, now + later))
        assert same(one.points, _plain(plain, ["b"], plan, now + later))
        assert settled.edge <= now - LAG
        assert len(settled.courses[0].at) <= plan.points


def _plain(plain, targets, plan, end):
    found = []
    for at in range(plan.start, end, plan.step):
        each = [
            [v for _, v in plain.between(t, "system.cpu.usage", at, min(at + plan.step, end))]
            for t in targets
        ]
        each = [values for values in each if values]
        if each:
            mean = sum(sum(values) / len(values) for values in each) / len(each)
            found.append((at, mean, min(map(min, each)), max(map(max, each))))
    return found


def become(database, states, target, at, status):
    before = states.get(target)
    after = Judgement(
        status, at, "so it is", status, 1, at, previous=before.status if before else None
    )
    with database.write() as session:
        ids = write.target_ids(session, [target])
        write.judgements(session, {target: (before, after)}, ids)
    states[target] = after
    return (at, target, status)


def changes(database, first, last, count, rng, states):
    times = sorted(rng.sample(range(first, last), count))
    return [
        become(database, states, rng.choice(TARGETS), float(at), rng.choice(list(Status)))
        for at in times
    ]


def status_at(made, target, at):
    said = [status for begun, of, status in made if of == target and begun <= at]
    return said[-1] if said else None


@pytest.mark.parametrize("many", [500, 0])
def test_shares_are_those_of_every_second(database, monkeypatch, many):
    monkeypatch.setattr(shares, "_MANY", many)
    rng, states = random.Random(3), dict[str, Judgement]()
    begin = [become(database, states, t, MONDAY + 0.0, Status.HEALTHY) for t in TARGETS]
    made = begin + changes(database, MONDAY + 10, MONDAY + 900, 30, rng, states)
    plan, now = Plan(MONDAY, 100, 11, ()), MONDAY + 930
    with database.read() as session:
        settled = shares.settle(session, TARGETS, [TARGETS, ["c"]], plan, now)
        score = shares.settle(session, TARGETS, [TARGETS], plan, now, [1.0, 2.0, 3.0])
    made += changes(database, MONDAY + 931, MONDAY + 1080, 8, rng, states)
    end = MONDAY + 1090
    with database.read() as session:
        both, one = shares.go_on(session, kept(settled), end)
        (points,) = shares.go_on(session, kept(score), end)
    for course, targets in ((both, TARGETS), (one, ["c"])):
        expected = {}
        for at in range(MONDAY, end, 100):
            each = []
            for target in targets:
                said = [status_at(made, target, s) for s in range(at, min(at + 100, end))]
                known = [s for s in said if s not in (None, Status.UNKNOWN)]
                if known:
                    each.append(100 * known.count(Status.HEALTHY) / len(known))
            if each:
                expected[at] = sum(each) / len(each)
        assert dict(zip(course.at, course.value, strict=True)) == pytest.approx(expected, abs=0.01)
    expected = {}
    for at in range(MONDAY, end, 100):
        said = [
            value
            for second in range(at, min(at + 100, end))
            if (value := _score(made, second)) is not None
        ]
        if said:
            expected[at] = sum(said) / len(said)
    assert dict(zip(points.at, points.value, strict=True)) == pytest.approx(expected, abs=0.02)


def _score(made, at):
    weights = dict(zip(TARGETS, (1.0, 2.0, 3.0), strict=True))
    found = {target: status_at(made, target, at) for target in TARGETS}
    if all(status is Status.UNKNOWN for status in found.values()):
        return None
    cost = {t: SHARE[status] for t, status in found.items()}
    lost = 100 * sum(weights[t] * cost[t] for t in TARGETS) / 6
    return max(0.0, 100 - lost - 10 * max(cost.values()))


@pytest.mark.parametrize(("few", "batch"), [(100, 1000), (0, 1000), (0, 3)])
def test_pages_of_events_hold_each_change_once(database, monkeypatch, few, batch):
    monkeypatch.setattr(events, "FEW", few)
    monkeypatch.setattr(events, "BATCH", batch)
    rng, states = random.Random(5), dict[str, Judgement]()
    made = changes(database, MONDAY, MONDAY + 1000, 60, rng, states)
    for _ in range(3):  # several in one moment
        made.append(become(database, states, "a", MONDAY + 2000.0, rng.choice(list(Status))))
    fleet = Fleet.build(Inventory(), "testhost", "cache")
    first = {target: min(at for at, of, _ in made if of == target) for target in TARGETS}
    for targets in (None, {"a"}, {"a", "b"}, {"nobody"}):
        expected, seen = [], dict[str, Status]()
        for at, target, status in made:
            chosen = at != first[target] and (targets is None or target in targets)
            if chosen and seen[target] is not status:
                expected.append((at, target, status))
            seen[target] = status
        found, place = [], None
        while True:
            wanted = events.Wanted(targets, None, None, None, 7, place)
            with database.read() as session:
                rows, place = events.events(session, fleet, wanted)
            found += [(row["timestamp"], row["target"], row["status"]) for row in rows]
            if place is None:
                break
        assert [(t, s) for _, t, s in reversed(found)] == [(t, str(s)) for _, t, s in expected]
