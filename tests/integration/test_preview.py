"""Previews find what live evaluation of the same time found, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from models.history import Block
from models.targets import HostSample
from services.alerts.preview import looks as preview_looks
from services.alerts.preview import past as preview_past
from services.alerts.preview.desk import AT_ONCE, PATIENCE, Draft, Previews
from services.collect import judge, sight
from services.errors import Unavailable, ValidationError
from services.health.graph import Graph
from services.history import write
from services.history.stored import DAY, HOUR
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.observation import CheckResult, Observation, Status
from services.rule import Rule, Rulebook
from tests.support.history import MONDAY, work
from tests.support.second_by_second import Detector, Watched, Weather, told

INTERVAL, TIMEOUT, WINDOW = 30, 10, 300.0
#: Around a midnight: the day before is packed, the one after is not.
START, END = MONDAY + DAY - HOUR, MONDAY + DAY + HOUR
NOW = MONDAY + 3 * DAY + 60
KEYS = ("a", "b", "a/api", "a/postgres")


def fleet(vps=("a", "b"), tenants=()):
    services = [
        {"name": "api", "type": "backend", "check": {"http": "https://api.example/health"}},
        {"name": "postgres", "type": "database", "check": {"tcp": "db.example:5432"}},
    ]
    servers = [
        {"id": name, "source": {"type": "agent"}, "services": services if name == "a" else []}
        for name in vps
    ]
    carried = {"tenants": [tenant["id"] for tenant in tenants]}
    servers[0] |= carried
    inventory = {"vps": servers, "tenants": list(tenants)}
    return Fleet.build(Inventory.model_validate(inventory), "here", "cache")


def rule(metric, operator=None, value=None, duration=0, keep=0, **more):
    condition = {"metric": metric, "duration": duration}
    if operator:
        condition |= {"operator": operator, "value": value}
    for name in ("type", "clearValue", "maxPerWeek", "direction"):
        if name in more:
            condition[name] = more.pop(name)
    given = {"id": "r", "name": "Rule", "severity": "warning", "keepFiringFor": keep, **more}
    return Rule.model_validate(given | {"condition": condition})


RULES = [
    one.model_copy(update={"id": f"r{number}"})
    for number, one in enumerate(
        (
            rule("cpu", "greaterThan", 50),
            rule("cpu", "greaterThan", 60, duration=60, clearValue=40),
            rule("cpu", "lessThan", 30, duration=45, keep=100),
            rule("cpu", "greaterThanOrEqual", 80, keep=45),
            rule("service.status", "equals", "unhealthy", duration=60),
            rule("database.status", "equals", "unhealthy"),
            rule("database.status", "notEquals", "healthy", duration=75, keep=60),
            rule("vps.status", "equals", "healthy", duration=300),
            rule("vps.reporting", "equals", "silent"),
            rule("vps.reporting", "equals", "silent", duration=120, keep=90),
            rule("responseTime", "greaterThan", 600, duration=30),
            rule("api.averageResponseTime", "greaterThan", 500, duration=60),
            rule("api.averageResponseTime", "lessThan", 300, keep=40),
            rule("cpu", type="absence", duration=60),
            rule("responseTime", type="absence", duration=20, keep=60),
            rule("cpu", type="anomaly", maxPerWeek=0.1),
            rule("cpu", type="anomaly", maxPerWeek=0.2, direction="above", duration=30),
        )
    )
]


def previews(database, fleet, rules=(), clock=lambda: float(NOW), **more):
    graph, book = Graph(fleet), Rulebook.first(rules)
    return Previews(
        database, lambda: fleet, lambda: graph, lambda: book, WINDOW, INTERVAL, TIMEOUT,
        Detector, clock=clock, **more,
    )  # fmt: skip


def run(found, rule, start=START, end=END, limit=1000, scope=None):
    running = found.begin(Draft(rule, start, end, limit), scope)
    try:
        return running.outcome
    finally:
        running.close()


def fired(outcome):
    return sorted(
        (f.place.target, f.start, f.end, f.occurrences, f.seconds) for f in outcome.firings
    )


def reading(database, key, *values, start=START, step=INTERVAL, metric="system.cpu.usage"):
    observed = [
        Observation(key, start + step * place, metrics={metric: float(value)})
        for place, value in enumerate(values)
        if value is not None
    ]
    with database.write() as session:
        write.samples(session, observed, write.target_ids(session, [key]))


@pytest.mark.parametrize("seed", range(4))
def test_it_finds_what_came_about_live(database, seed):
    servers = fleet()
    watched = Watched(database, servers, RULES, START, INTERVAL, TIMEOUT, WINDOW)
    Weather(seed, START, END, INTERVAL, KEYS).run(watched, KEYS)
    desk, more = previews(database, servers), 0
    for packed in (False, True):
        if packed:
            work(database, NOW)
            with database.read() as session:
                assert session.query(Block).count() == 4
                assert session.query(HostSample).count() > 100  # the day after midnight
        for one in RULES:
            outcome = run(desk, one)
            assert fired(outcome) == told(watched.alerts, one, END), (one.id, packed)
            assert outcome.complete
            more += outcome.count
    assert more > 100


@pytest.mark.parametrize(
    ("draft", "looks", "nap", "fires"),
    [
        # seen for 30 s until it fell silent; an interval more counts when it is back
        (rule("vps.status", "equals", "healthy", duration=90), (0, 30, 400), None, 430),
        # silent at 131, and seen so until 200; after the start everybody has 70 s, so at 571
        (rule("vps.reporting", "equals", "silent", duration=200), (0, 30, 60), (200, 500), 672),
        # the duration was complete while nobody was there to notice
        (rule("cpu", "greaterThan", 40, duration=75), (0, 30, 60), (70, 500), 500),
        (rule("cpu", "greaterThan", 40, duration=75), (0, 30, 60), (80, 500), 75),
        # missing from 101 on, for 30 s until 131; an interval more counts at 541
        (rule("cpu", type="absence", duration=80), (0, 30, 60), (131, 500), 561),
    ],
)
def test_silences_and_naps(database, draft, looks, nap, fires):
    servers = fleet(("a",))
    watched = Watched(database, servers, [draft], START, INTERVAL, TIMEOUT, WINDOW)
    own, well = next(iter(servers.own)), CheckResult(Status.HEALTHY, "well")
    now = START
    while now < START + 900:
        if now % INTERVAL == 0:
            watched.look(Observation(own, now, check=well))
        if now - START in looks:
            watched.look(Observation("a", now, metrics={"system.cpu.usage": 50.0}))
        watched.second(now)
        if nap and now == START + nap[0]:
            watched.sleep(now, START + nap[1])
            now = START + nap[1]
        else:
            now += 1
    watched.store()
    found = run(previews(database, servers), draft, end=START + 899)
    assert fired(found) == told(watched.alerts, draft, START + 899)
    assert [f.start - START for f in found.firings if f.place.target == "a"] == [fires]


def test_the_words_and_times_that_it_shares_with_higher_floors_are_theirs():
    assert sight.BLIND.startswith(preview_looks.BLIND)
    assert judge.SILENT_INTERVALS == preview_past.SILENT_INTERVALS


def test_a_firing_tells_what_happened(database):
    reading(database, "a", 50, 50, 91, 92, 97.5, 93, 50, 50)
    found = run(previews(database, fleet()), rule("cpu", "greaterThan", 90, duration=60))
    assert (found.count, found.pages, found.targets, found.of) == (1, 1, 3, 3)
    (firing,) = found.firings
    assert (firing.place.target, firing.place.label, firing.place.vps_id) == ("a", "a", "a")
    assert (firing.since, firing.start, firing.end) == (START + 60, START + 120, START + 180)
    assert (firing.evidence.peak, firing.evidence.peak_at) == (97.5, START + 120)
    assert [value for _, value in firing.evidence.values] == [91, 92, 97.5]
    assert "CPU was above 90 %" in firing.evidence.text
    assert "98 %" in firing.evidence.text
    assert found.self_resolved_share == 1.0
    assert found.pages_per_week == 84.0  # one in two hours
    shown = found.series[0]
    assert shown.place.target == "a"
    assert max(point.max for point in shown.picture.points) == 97.5


def test_long_trouble_does_not_resolve_itself_and_one_that_stands_has_no_end(database):
    reading(database, "a", *[95] * 20, *[10] * 5, *[95] * 5)
    outcome = run(
        previews(database, fleet()),
        rule("cpu", "greaterThan", 90),
        end=START + 29 * INTERVAL + 10,
    )
    (firing,) = outcome.firings
    assert (firing.occurrences, firing.end, outcome.pages) == (2, None, 2)
    assert firing.seconds == 600 + 130
    assert outcome.self_resolved_share == 0.0


def test_it_is_compared_with_the_rule_in_force(database):
    reading(database, "a", 10, 95, 95, 95, 10, *[10] * 40, 85, 85, 85, 10)
    live = rule("cpu", "greaterThan", 90)
    desk = previews(database, fleet(), [live])
    compared = run(desk, rule("cpu", "greaterThan", 80, duration=30)).compared_to
    assert compared is not None
    assert (compared.version, compared.enabled, compared.count) == (1, True, 1)
    assert (compared.added_count, compared.removed_count) == (1, 0)
    assert [(d.place.target, d.start) for d in compared.added] == [("a", START + 46 * INTERVAL)]
    gone = run(desk, rule("cpu", "greaterThan", 99)).compared_to
    assert gone is not None
    assert (gone.added_count, gone.removed_count) == (0, 1)
    assert run(desk, live.model_copy(update={"id": "new"})).compared_to is None
    off = previews(database, fleet(), [live.model_copy(update={"enabled": False})])
    paused = run(off, live).compared_to
    assert paused is not None
    assert (paused.enabled, paused.count, paused.added_count) == (False, 0, 1)


def test_a_rule_that_is_switched_off_is_tried_all_the_same(database):
    reading(database, "a", 10, 95, 10)
    assert run(previews(database, fleet()), rule("cpu", "greaterThan", 90, enabled=False)).count


def test_limited_callers_get_their_targets_alone(database):
    servers = fleet(tenants=[{"id": "acme", "organizationName": "ACME"}])
    for key in ("a", "b"):
        reading(database, key, 10, 95, 10)
    desk, draft = previews(database, servers), rule("cpu", "greaterThan", 90)
    assert run(desk, draft).count == 2
    outcome = run(desk, draft, scope=frozenset({"acme"}))
    assert (outcome.count, outcome.targets, outcome.of) == (1, 1, 1)
    assert {shown.place.target for shown in outcome.series} == {"a"}
    # Whether a tenant that is not theirs is on a server of theirs is not told.
    mine = frozenset({"acme"})
    hidden = rule("cpu", "greaterThan", 90, scope={"tenant": ["globex"]})
    assert run(desk, hidden, scope=mine).of == 0
    both = rule("cpu", "greaterThan", 90, scope={"tenant": ["globex", "acme"]})
    assert run(desk, both, scope=mine).of == 1


def test_what_nobody_looks_at_is_not_missed(database):
    servers = [{"id": "a", "source": {"type": "agent"}}, {"id": "b"}]
    found = Fleet.build(Inventory.model_validate({"vps": servers}), "here", "cache")
    missing = run(previews(database, found), rule("cpu", type="absence", duration=60))
    assert sorted(f.place.target for f in missing.firings) == ["a", found.local]
    assert missing.of == 2


def test_dependencies_that_a_service_reported_are_watched(database):
    after = CheckResult(Status.UNHEALTHY, "down", parts={})
    with database.write() as session:
        ids = write.target_ids(session, ["a/api/database"])
        judged = judge_status(Observation("a/api/database", START, check=after))
        write.judgements(session, {"a/api/database": (None, judged)}, ids)
    outcome = run(previews(database, fleet()), rule("database.status", "equals", "unhealthy"))
    assert [f.place.target for f in outcome.firings] == ["a/api/database"]
    assert [w.value for w in outcome.series[0].picture.words] == ["unhealthy"]


def judge_status(observation):
    from services.health.status import judge

    return judge(None, observation)


def test_detectors_learn_before_the_range_and_see_some_of_many_targets(database, monkeypatch):
    names = tuple(f"v{n}" for n in range(6))
    for name in names:
        # 20 values before the range, so the detector can tell from its first one on
        reading(database, name, *[20] * 20, 90, 20, start=START - 20 * INTERVAL)
    draft = rule("cpu", type="anomaly", maxPerWeek=0.1)
    desk = previews(database, fleet(names))
    whole = run(desk, draft)
    assert (whole.count, whole.targets, whole.notes) == (6, 7, ())
    assert whole.series[0].picture.band
    values = int((END - START + preview_past.LEARNED) / INTERVAL)
    monkeypatch.setattr("services.alerts.preview.desk.MOST_LEARNED", 3 * values)
    some = run(desk, draft)
    assert (some.targets, some.of) == (3, 7)
    assert "3 of 7 targets" in some.notes[0]
    assert some.pages_per_week == pytest.approx(some.pages * 84 * 7 / 3, rel=0.01)


def test_it_ends_in_time(database):
    for key in ("a", "b"):
        reading(database, key, 10, 95, 10)
    passed = iter([0.0, 0.0, *[PATIENCE + 1.0] * 100])
    desk = previews(database, fleet(), monotonic=lambda: next(passed))
    outcome = run(desk, rule("cpu", "greaterThan", 90))
    assert not outcome.complete
    assert outcome.targets < outcome.of
    assert "its time was up" in outcome.notes[0]


def test_two_run_at_a_time_and_who_leaves_makes_room(database):
    desk, draft = previews(database, fleet()), Draft(rule("cpu", "greaterThan", 90), START, END)
    running = [desk.begin(draft, None) for _ in range(AT_ONCE)]
    with pytest.raises(Unavailable, match="2 previews"):
        desk.begin(draft, None)
    assert next(iter(running[0])).done == 0.0
    running[0].close()
    running[0].close()
    desk.begin(draft, None).close()
    assert running[1].outcome.count == 0
    assert [p.done for p in desk_progress(desk, running[1], draft)][-1] == 1.0


def desk_progress(desk, running, draft) -> list[Any]:
    running.close()
    again = desk.begin(draft, None)
    found = list(again)
    again.close()
    return found


def test_ranges_that_make_no_sense(database):
    desk, draft = previews(database, fleet()), rule("cpu", "greaterThan", 90)
    for start, end, said in (
        (NOW + 10.0, NOW + 20.0, "past"),
        (NOW - 200.0 * DAY, NOW, "100 days"),
    ):
        with pytest.raises(ValidationError, match=said):
            desk.begin(Draft(draft, start, end), None)
    often = {"id": "a", "source": {"type": "agent"}, "monitoring": {"interval": 1}}
    busy = Fleet.build(Inventory.model_validate({"vps": [often]}), "here", "cache")
    desk = previews(database, busy)
    for _ in range(AT_ONCE + 1):  # a refusal leaves room
        with pytest.raises(ValidationError, match="every 1 s a preview covers 35 days"):
            desk.begin(Draft(draft, NOW - 40.0 * DAY, NOW), None)
