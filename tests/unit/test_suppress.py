"""What explains a target's trouble: a case a row, and a server's death and return walked through
second by second."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerts.suppress import Cause, Causes
from services.health.graph import Graph
from services.health.status import Judgement, judge, silence, unreachable
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.observation import CheckResult, Observation, Status

INTERVAL, TIMEOUT = 30.0, 10.0
H, D, U, X = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY, Status.UNKNOWN
REFUSED = CheckResult(U, "refused", evidence={"error": "ConnectionRefusedError"})
ANSWERED = CheckResult(U, "HTTP 503", evidence={"httpStatus": 503})
WELL = CheckResult(H, "is healthy", 20.0)
SLOW = CheckResult(D, "is slow", 900.0)
NO_PROBE = CheckResult(X, "no such name server")


def service(name, *needs, check=True, type_=None):
    spec = {"name": name, "type": type_ or name, "dependsOn": list(needs)}
    return spec | ({"check": {"tcp": f"{name}.example:1"}} if check else {})


def server(id_, name, *services, **more):
    return {"id": id_, "name": name, "services": services, **more}


def application(tenant_id, runs_on, *needs):
    app = {"name": "app", "url": "https://a.example", "runsOn": runs_on, "dependsOn": needs}
    return {"id": tenant_id, "services": [app]}


def build(vps, tenants=()):
    inventory = Inventory.model_validate({"vps": vps, "tenants": list(tenants)})
    return Fleet.build(inventory, "hub", "cache")


AGENT = {"source": {"type": "agent"}}
FLEET = build(
    [
        server("nl-1", "Netherlands 1", service("api", "nl-2/postgres"), service("web", "api"),
               service("redis"), **AGENT),
        server("nl-2", "Netherlands 2", service("postgres"), service("mail"), **AGENT),
        server("de-1", "Germany 1", service("api"), service("web"), service("cron", check=False)),
        server("de-2", "Germany 2", service("api")),
        server("be-1", "Belgium 1", service("api"), monitoring={"enabled": False}, **AGENT),
        server("be-2", "Belgium 2", service("web", "be-1/api"), **AGENT),
        server("fr-1", "France 1", service("web"),
               monitoring={"interval": 300, "timeout": 5}, **AGENT),
    ],
    [application("acme", "nl-1/web"), application("globex", "de-1/web", "nl-2/mail")],
)  # fmt: skip
CAUSES = Causes(FLEET, Graph(FLEET), INTERVAL, TIMEOUT)


def looks(key, *found):
    """A judgement from looks ``(at, what)``: a check's result, an error, or metrics."""
    state = None
    for at, what in found:
        match what:
            case CheckResult():
                state = judge(state, Observation(key, at, check=what))
            case str():
                state = judge(state, Observation(key, at, error=what))
            case _:
                state = judge(state, Observation(key, at, {"system.cpu.usage": what}))
    return state


def host(*readings):
    return looks("host", *readings)


def probed(*results):
    return looks("service", *results)


ALIVE = host((970, 20.0))
OVERDUE = host((950, 20.0))
SILENT = silence(host((900, 20.0)), 980)
UNREACHABLE = unreachable(SILENT, REFUSED, 985)
ANSWERS = unreachable(SILENT, WELL, 985)
FAILS = probed((900, WELL), (960, REFUSED), (990, REFUSED))
STALE = probed((900, WELL), (930, REFUSED))
RECOVERS = probed((900, WELL), (930, REFUSED), (960, REFUSED), (990, WELL))
RECOVERED = probed((900, REFUSED), (955, WELL), (985, WELL))
GOOD = probed((960, WELL), (990, WELL))


def back(since, *more):
    """A server that was silent and reports again since then."""
    return looks_after(silence(host((800, 20.0)), 900), (since, 20.0), *more)


def looks_after(state, *readings):
    for at, cpu in readings:
        state = judge(state, Observation("host", at, {"system.cpu.usage": cpu}))
    return state


DOWN = [
    ("a server that reports explains nothing", "nl-1/redis", {"nl-1": ALIVE}, None),
    ("a server of which nothing is known yet", "nl-1/redis", {}, None),
    ("a silent server", "nl-1/redis", {"nl-1": SILENT}, ("nl-1", "down")),
    ("an unreachable server", "nl-1/redis", {"nl-1": UNREACHABLE}, ("nl-1", "down")),
    ("an unknown server, although its witness answers", "nl-1/redis", {"nl-1": ANSWERS},
     ("nl-1", "down")),
    ("a server that could not be read", "nl-1/redis", {"nl-1": host((970, 20.0), (990, "error"))},
     ("nl-1", "down")),
    ("an unreachable one after a restart, which keeps no flags", "nl-1/redis",
     {"nl-1": replace(UNREACHABLE, silent=False, unreachable=False, previous=None)},
     ("nl-1", "down")),
    ("a server that is merely hot", "nl-1/redis",
     {"nl-1": host(*((at, 99.0) for at in range(850, 1000, 30)))}, None),
    ("a server that says itself that it is unwell", "nl-1/redis",
     {"nl-1": looks("nl-1", (990, ANSWERED))}, None),
    ("a paused server explains nothing", "be-2/web", {"be-1": SILENT, "be-2": ALIVE}, None),
    ("the server of what it depends on", "nl-1/api", {"nl-1": ALIVE, "nl-2": SILENT},
     ("nl-2", "down")),
    ("and of what that depends on", "nl-1/web", {"nl-1": ALIVE, "nl-2": SILENT}, ("nl-2", "down")),
    ("not of what depends on it", "nl-2/postgres", {"nl-1": SILENT, "nl-2": ALIVE}, None),
    ("its own server before another", "nl-1/api", {"nl-1": SILENT, "nl-2": SILENT},
     ("nl-1", "down")),
    ("an application, by the server that it runs on", "@acme/app", {"nl-1": SILENT},
     ("nl-1", "down")),
    ("an application, by what it depends on", "@globex/app", {"nl-2": SILENT}, ("nl-2", "down")),
    ("a part that a service reported", "nl-1/api/queue", {"nl-1": SILENT}, ("nl-1", "down")),
    ("a tenant whose applications all rest on it", "@acme", {"nl-1": SILENT}, ("nl-1", "down")),
    ("a server is never explained", "nl-1", {"nl-1": SILENT, "nl-2": SILENT}, None),
    ("nor is the platform", "*", {"nl-1": SILENT}, None),
    ("nor what is gone", "nl-9/api", {"nl-1": SILENT}, None),
    ("nor Healthdeck's own", "hub/healthdeck-database", {"hub": SILENT}, None),
    ("a dead server before a failing service", "nl-1/web",
     {"nl-1": ALIVE, "nl-1/api": FAILS, "nl-2": SILENT, "nl-2/postgres": FAILS}, ("nl-2", "down")),
    ("without a source: none of its services answers", "de-1/web",
     {"de-1/api": FAILS, "de-1/web": FAILS}, ("de-1", "down")),
    ("also after a restart, before they were looked at", "de-1/web",
     {"de-1/api": replace(FAILS, check=None), "de-1/web": replace(FAILS, check=None)},
     ("de-1", "down")),
    ("without a source: one answers, if only with an error", "de-1/web",
     {"de-1/api": probed((990, ANSWERED)), "de-1/web": FAILS}, None),
    ("without a source: one is well", "de-1/web", {"de-1/api": GOOD, "de-1/web": FAILS}, None),
    ("without a source: one is not looked at yet", "de-1/web", {"de-1/web": FAILS}, None),
    ("without a source: one could not be looked at", "de-1/web",
     {"de-1/api": probed((990, NO_PROBE)), "de-1/web": FAILS}, None),
    ("without a source: one alone says nothing of its server", "de-2/api", {"de-2/api": FAILS},
     None),
]  # fmt: skip

FAILING = [
    ("what it depends on fails", "nl-1/api", {"nl-2/postgres": FAILS},
     ("nl-2/postgres", "failing")),
    ("what that depends on fails", "nl-1/web", {"nl-2/postgres": FAILS, "nl-1/api": FAILS},
     ("nl-2/postgres", "failing")),
    ("what it depends on is well again, what that depends on is not", "nl-1/web",
     {"nl-1/api": FAILS, "nl-2/postgres": GOOD}, ("nl-1/api", "failing")),
    ("a slow one is no cause", "nl-1/api", {"nl-2/postgres": probed((990, SLOW))}, None),
    ("one that could not be looked at is none: of that nobody is told", "nl-1/api",
     {"nl-2/postgres": probed((990, NO_PROBE))}, None),
    ("one that stands beside it is none", "nl-1/redis", {"nl-1/api": FAILS}, None),
    ("an application on a failing service", "@acme/app", {"nl-1/web": FAILS},
     ("nl-1/web", "failing")),
    ("a part by the dependency of its name", "nl-1/api/postgres", {"nl-2/postgres": FAILS},
     ("nl-2/postgres", "failing")),
    ("a part by the dependency of its type", "nl-1/api/database", {"nl-2/postgres": FAILS},
     ("nl-2/postgres", "failing")),
    ("a part is not explained by its service", "nl-1/api/queue", {"nl-1/api": FAILS}, None),
    ("a service is not explained by itself", "nl-1/redis", {"nl-1/redis": FAILS}, None),
    ("a service of a paused server", "be-2/web", {"be-1/api": FAILS}, None),
    ("a failing service before an overdue server", "nl-1/api",
     {"nl-1": OVERDUE, "nl-2/postgres": FAILS}, ("nl-2/postgres", "failing")),
]  # fmt: skip

AWAITED = [
    ("a reading that is due, but may still come", "nl-1/redis", {"nl-1": host((969, 20.0))}, None),
    ("a reading that should have come", "nl-1/redis", {"nl-1": host((968, 20.0))},
     ("nl-1", "awaited")),
    ("of the server of what it depends on", "nl-1/web", {"nl-1": ALIVE, "nl-2": OVERDUE},
     ("nl-2", "awaited")),
    ("it was read long after the trouble began", "nl-1/redis",
     {"nl-1": OVERDUE, "nl-1/redis": probed((880, REFUSED), (970, REFUSED))}, None),
    ("it was read after the trouble began, or before a restart", "nl-1/redis",
     {"nl-1": OVERDUE, "nl-1/redis": probed((881, REFUSED), (970, REFUSED))}, ("nl-1", "awaited")),
    ("an interval of its own", "fr-1/web", {"fr-1": host((700, 20.0))}, None),
    ("an interval of its own is over", "fr-1/web", {"fr-1": host((690, 20.0))},
     ("fr-1", "awaited")),
    ("news are awaited before somebody gets time to recover", "nl-1/api",
     {"nl-1": back(990), "nl-2": OVERDUE}, ("nl-2", "awaited")),
    ("a clock that was set back makes nothing overdue", "nl-1/redis",
     {"nl-1": host((4600, 20.0))}, None),
]  # fmt: skip

RETURNING = [
    ("just back: it has time", "nl-1/redis", {"nl-1": back(990), "nl-1/redis": FAILS},
     ("nl-1", "returning")),
    ("back, and looked at too early", "nl-1/redis", {"nl-1": back(976), "nl-1/redis": FAILS},
     ("nl-1", "returning")),
    ("back, and still failing when it had its time", "nl-1/redis",
     {"nl-1": back(975), "nl-1/redis": FAILS}, None),
    ("back, and not looked at since", "nl-1/redis", {"nl-1": back(975), "nl-1/redis": STALE},
     ("nl-1", "returning")),
    ("back, and not looked at although there was time", "nl-1/redis",
     {"nl-1": back(943, (970, 20.0)), "nl-1/redis": STALE}, None),
    ("back, and recovering", "nl-1/redis", {"nl-1": back(930, (970, 20.0)), "nl-1/redis": RECOVERS},
     ("nl-1", "returning")),
    ("recovering, long after the return", "nl-1/redis",
     {"nl-1": back(900, (970, 20.0)), "nl-1/redis": RECOVERS}, None),
    ("recovering from trouble of its own", "nl-1/redis", {"nl-1": ALIVE, "nl-1/redis": RECOVERS},
     None),
    ("a part of which nothing is known any more has time too", "nl-1/api/queue",
     {"nl-1": back(950, (970, 20.0))}, ("nl-1", "returning")),
    ("and not for ever", "nl-1/api/queue", {"nl-1": back(943, (970, 20.0))}, None),
    ("an unreachable server counts as back with its first reading", "nl-1/redis",
     {"nl-1": looks_after(UNREACHABLE, (990, 20.0)), "nl-1/redis": FAILS}, ("nl-1", "returning")),
    ("and its second does not begin the time anew", "nl-1/redis",
     {"nl-1": looks_after(UNREACHABLE, (965, 20.0), (995, 20.0)), "nl-1/redis": FAILS}, None),
    ("a hot one is back as well", "nl-1/redis", {"nl-1": back(990, (990, 99.0))},
     ("nl-1", "returning")),
    ("a server that came for the first time is not back", "nl-1/redis",
     {"nl-1": ALIVE, "nl-1/redis": FAILS}, None),
    ("a sibling was seen well before the server reported: time began then", "nl-1/redis",
     {"nl-1": back(985), "nl-1/api": probed((930, REFUSED), (970, WELL)), "nl-1/redis": FAILS},
     None),
    ("what it depends on is about to be well", "nl-1/api",
     {"nl-2": ALIVE, "nl-2/postgres": RECOVERS, "nl-1/api": FAILS}, ("nl-2/postgres", "returning")),
    ("what it depends on is well again since then", "nl-1/api",
     {"nl-2": ALIVE, "nl-2/postgres": RECOVERED,
      "nl-1/api": probed((900, REFUSED), (930, REFUSED), (960, REFUSED))},
     ("nl-2/postgres", "returning")),
    ("and it is not, although it had its time", "nl-1/api",
     {"nl-2": ALIVE, "nl-2/postgres": RECOVERED, "nl-1/api": FAILS}, None),
    ("what came back with its server does not keep others waiting twice", "nl-1/api",
     {"nl-2": back(970), "nl-1": ALIVE, "nl-2/postgres": RECOVERS, "nl-1/api": FAILS}, None),
    ("a clock that was set back an hour", "nl-1/redis", {"nl-1": back(4600)}, None),
    ("a machine's clock that is a little ahead", "nl-1/redis", {"nl-1": back(1001)},
     ("nl-1", "returning")),
    ("without a source: one of its services is back", "de-1/web",
     {"de-1/api": RECOVERS, "de-1/web": FAILS}, ("de-1", "returning")),
    ("without a source: one was well all the time", "de-1/web",
     {"de-1/api": probed((700, REFUSED), (730, WELL), (760, WELL)), "de-1/web": FAILS}, None),
    ("without a source: one fails in other ways", "de-1/web",
     {"de-1/api": probed((990, ANSWERED)), "de-1/web": RECOVERS}, None),
    ("a long interval: it has until it was looked at", "fr-1/web",
     {"fr-1": back(900), "fr-1/web": probed((880, REFUSED))}, ("fr-1", "returning")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("why", "target", "states", "cause"), [*DOWN, *FAILING, *AWAITED, *RETURNING]
)
def test_causes(why, target, states, cause):
    found = CAUSES.of(target, states, 1000.0)
    assert (found and (found.target, found.kind)) == cause, f"{why}: {found}"


@pytest.mark.parametrize(
    ("target", "states", "text"),
    [
        ("nl-1/redis", {"nl-1": SILENT}, "suppressed by Netherlands 1, which does not report"),
        ("de-1/web", {"de-1/api": FAILS, "de-1/web": FAILS},
         "suppressed by Germany 1, none of whose services answers"),
        ("nl-1/api", {"nl-2/postgres": FAILS},
         "suppressed by postgres on Netherlands 2, which is unhealthy"),
        ("nl-1/redis", {"nl-1": OVERDUE},
         "waiting for news of Netherlands 1, whose latest reading is overdue"),
        ("nl-1/redis", {"nl-1": back(990), "nl-1/redis": FAILS},
         ("Netherlands 1 reports again since 00:16:30 UTC; "
          "redis on Netherlands 1 has until 00:17:27 UTC to recover")),
        ("nl-1/api", {"nl-2/postgres": RECOVERS},
         ("postgres on Netherlands 2 answers again since 00:16:30 UTC; "
          "api on Netherlands 1 has until 00:17:27 UTC to recover")),
    ],
)  # fmt: skip
def test_operators_read_why(target, states, text):
    found = [CAUSES.of(target, states, now) for now in (1000.0, 1000.5)]
    assert [cause and cause.text for cause in found] == [text] * 2, "not changing with the clock"


def test_what_nobody_is_told_of_silences_nobody():
    unheard = {"nl-2", "nl-2/postgres", "de-1"}
    causes = Causes(FLEET, Graph(FLEET), INTERVAL, TIMEOUT, lambda key: key not in unheard)
    states = {"nl-1": ALIVE, "nl-2": SILENT, "nl-2/postgres": FAILS, "de-1/api": FAILS,
              "de-1/web": FAILS}  # fmt: skip
    assert [causes.of(key, states, 1000.0) for key in ("nl-1/api", "de-1/web")] == [None, None]
    own = causes.of("nl-1/api", states | {"nl-1": SILENT}, 1000.0)
    assert own
    assert own.target == "nl-1"


def test_services_in_a_circle_do_not_silence_each_other():
    fleet = build([server("a", "A", service("x"), service("y", "x"), **AGENT)])
    both = fleet.services["a/x"].model_copy(update={"depends_on": ("y",)})
    fleet = replace(fleet, services={**fleet.services, "a/x": both})
    causes = Causes(fleet, Graph(fleet), INTERVAL, TIMEOUT)
    states = {"a": ALIVE, "a/x": FAILS, "a/y": FAILS}
    assert [causes.of(key, states, 1000.0) for key in ("a/x", "a/y")] == [None, None]


# Properties, over states of any kind.

TARGETS = [*FLEET.keys(), "nl-1/api/database", "nl-1/api/queue"]
AT = st.floats(0, 900)


@st.composite
def judgements(draw, of_host):
    """What a few looks at any times, and perhaps silence and a witness after them, lead to."""
    times = sorted(draw(st.lists(AT, min_size=1, max_size=4)))
    kinds = [20.0, 99.0, "error"] if of_host else [WELL, REFUSED, ANSWERED, SLOW, NO_PROBE]
    state = looks("any", *((at, draw(st.sampled_from(kinds))) for at in times))
    if of_host and draw(st.booleans()):
        state = silence(state, draw(st.floats(times[-1], 1000)))
        if draw(st.booleans()):
            state = unreachable(state, draw(st.sampled_from([WELL, REFUSED])), 1000.0)
    return state


@st.composite
def worlds(draw):
    keys = draw(st.sets(st.sampled_from([key for key in TARGETS if key[0] != "@"])))
    return {key: draw(judgements(of_host="/" not in key)) for key in sorted(keys)}


@given(worlds(), st.sampled_from(TARGETS), st.floats(0, 2000))
def test_a_cause_is_always_another_that_it_rests_on(states, target, now):
    cause = CAUSES.of(target, states, now)
    if cause is not None:
        upstream = Graph(FLEET).upstream(target)
        assert cause.target != target
        assert cause.target in (*upstream.vps, *upstream.services)
        assert FLEET.enabled(cause.target)


@given(worlds(), st.sampled_from(TARGETS), st.floats(0, 2000))
def test_without_anything_wrong_above_it_a_target_speaks_for_itself(states, target, now):
    upstream = Graph(FLEET).upstream(target)
    well = {key: host((now, 20.0)) if "/" not in key else probed((now, WELL))
            for key in (*upstream.vps, *upstream.services)}  # fmt: skip
    # Of servers without a source their other services speak.
    well |= {key: probed((now, WELL)) for key in FLEET.services if key.startswith("de-1/")
             and key != target}  # fmt: skip
    assert CAUSES.of(target, {**states, **well}, now) is None


@given(worlds(), st.sampled_from(TARGETS), st.lists(st.floats(900, 3000), min_size=2, max_size=8))
def test_while_nothing_new_is_heard_time_only_takes_away_and_awaits(states, target, moments):
    causes = [CAUSES.of(target, states, at) for at in sorted(moments)]
    kinds = [cause.kind if cause else "none" for cause in causes]
    rank = {"returning": 0, "none": 1, "awaited": 2}
    if {"down", "failing"} & set(kinds):
        assert len(set(kinds)) == 1, "what is certain does not depend on the clock"
    else:
        ranks = [rank[kind] for kind in kinds]
        assert ranks == sorted(ranks)


@given(worlds(), st.sampled_from(TARGETS))
def test_time_to_recover_ends(states, target):
    """Of the default interval's targets; of the others with theirs."""
    interval = FLEET.interval(target, INTERVAL)
    timeout = FLEET.timeout(target, TIMEOUT)
    cause = CAUSES.of(target, states, 1000 + 15 + 2 * (interval + timeout + 2) + 1)
    assert cause is None or cause.kind != "returning"


# A server with 20 services and 30 tenants dies and returns.


class Scene:
    """A server as the product sees it, one second at a time: every target is looked at once an
    interval, at a phase of its own; who is told is decided as the engine does, each second."""

    HOLD = 60.0

    def __init__(self, interval, seed, witness=False):
        names = [f"s{n:02}" for n in range(20)]
        needs = {"s01": ["s00"], "s02": ["s01"], "s11": ["s10"]}
        self.fleet = build(
            [server("vps-1", "Netherlands 1", *(service(n, *needs.get(n, ())) for n in names),
                    monitoring={"interval": interval, "timeout": TIMEOUT}, **AGENT)],
            [application(f"t{n:02}", f"vps-1/{names[n % 20]}") for n in range(30)],
        )  # fmt: skip
        self.services = [f"vps-1/{name}" for name in names]
        self.apps = list(self.fleet.applications)
        self.causes = Causes(self.fleet, Graph(self.fleet), INTERVAL, TIMEOUT)
        self.interval, self.witness = interval, witness
        keys = ("vps-1", *self.services, *self.apps)
        self.phase = {k: zlib.crc32(f"{seed}{k}".encode()) % (10 * interval) / 10 for k in keys}
        self.next = dict(self.phase)
        self.alive = True
        self.broken: frozenset[str] = frozenset()
        self.states: dict[str, Judgement] = {}
        self.heard, self.now = 0.0, 0.0
        self.told: dict[str, float] = {}
        self.standing: set[str] = set()
        self.reasons: dict[str, Cause] = {}

    def fails(self, key):
        if not self.alive:
            return True
        if key[0] == "@":
            key = self.fleet.applications[key].runs_on
        return key in self.broken

    def run(self, seconds):
        for _ in range(int(seconds)):
            self.now += 1.0
            for key, due in self.next.items():
                if due <= self.now:
                    self.next[key] = due + self.interval
                    self.look(key, due)
            self.listen()
            self.tell()

    def look(self, key, at):
        if key == "vps-1":
            if not self.alive:
                return
            self.heard, found = at, Observation(key, at, {"system.cpu.usage": 20.0})
        else:
            found = Observation(key, at, check=REFUSED if self.fails(key) else WELL)
        self.states[key] = judge(self.states.get(key), found)

    def listen(self):
        state = self.states.get("vps-1")
        if state and self.now - self.heard > 2 * self.interval + TIMEOUT:
            state = silence(state, self.now)
            witness = REFUSED if not self.alive else WELL
            self.states["vps-1"] = unreachable(state, witness, self.now) if self.witness else state

    def tell(self):
        for key, state in self.states.items():
            if key == "vps-1":
                holds = state.silent
            else:
                holds = state.status is U and self.now - state.since >= self.HOLD
            if not holds and state.status is not U:
                self.standing.discard(key)
                self.reasons.pop(key, None)
                continue
            if holds:
                self.standing.add(key)
            if key not in self.standing or key in self.told:
                continue
            cause = self.causes.of(key, self.states, self.now)
            if cause is None:
                self.told[key] = self.now
                self.reasons.pop(key, None)
            else:
                self.reasons[key] = cause


def dead(interval, seed, witness):
    scene = Scene(interval, seed, witness)
    scene.run(200)
    assert (scene.told, scene.reasons) == ({}, {}), "nothing is wrong"
    scene.alive = False
    scene.run(3 * interval + 100)
    return scene


CUTS = pytest.mark.parametrize(
    ("interval", "witness"), [(30, False), (30, True), (10, False), (60, False)]
)


@CUTS
@pytest.mark.parametrize("seed", range(4))
def test_one_dead_server_is_one_message(interval, witness, seed):
    scene = dead(interval, seed, witness)
    assert set(scene.told) == {"vps-1"}
    assert set(scene.reasons) == {*scene.services, *scene.apps}, "50 that say why they are silent"
    assert {c.text for c in scene.reasons.values()} == {
        "suppressed by Netherlands 1, which does not report"
    }
    assert len(Graph(scene.fleet).impact("vps-1")) == 30


@CUTS
@pytest.mark.parametrize("seed", range(4))
def test_its_return_is_no_further_message(interval, witness, seed):
    scene = dead(interval, seed, witness)
    scene.alive = True
    scene.run(4 * interval + 100)
    assert set(scene.told) == {"vps-1"}
    assert (scene.standing, scene.reasons) == (set(), {})


@CUTS
@pytest.mark.parametrize("seed", range(4))
def test_what_stays_broken_is_told_by_itself_and_nothing_else(interval, witness, seed):
    scene = dead(interval, seed, witness)
    scene.alive, scene.broken = True, frozenset(scene.services[10:])
    returned = scene.now
    scene.run(5 * interval + 100)
    roots = scene.broken - {"vps-1/s11"}
    assert set(scene.told) == {"vps-1", *roots}, "s11 rests on s10, which is one of them"
    heard = next(at for at in (scene.phase["vps-1"] + n * interval for n in range(99))
                 if at > returned)  # fmt: skip
    latest = max(at for key, at in scene.told.items() if key != "vps-1")
    assert latest - heard <= 15 + interval + TIMEOUT + 3
    if interval <= 30:
        assert latest - returned <= 60, "within a minute of the return itself"
    left = {key: cause.target for key, cause in scene.reasons.items()}
    apps = {key: scene.fleet.applications[key].runs_on for key in scene.apps}
    assert left == {"vps-1/s11": "vps-1/s10"} | {
        key: "vps-1/s10" if runs_on == "vps-1/s11" else runs_on
        for key, runs_on in apps.items()
        if runs_on in scene.broken
    }


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sets(st.integers(0, 19)))
def test_exactly_the_broken_ones_whatever_the_phases(seed, broken):
    scene = dead(30, seed, witness=False)
    scene.alive, scene.broken = True, frozenset(scene.services[n] for n in broken)
    scene.run(200)
    explained = {
        key for key in scene.broken
        if set(Graph(scene.fleet).upstream(key).services) & scene.broken
    }  # fmt: skip
    assert set(scene.told) == {"vps-1", *(scene.broken - explained)}
