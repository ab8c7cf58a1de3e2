"""The rounds: when each target is looked at, what a slow one costs, what is handed on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog

from services.collect import looks as module
from services.collect.delivery import BATCH
from services.collect.looks import MOST_PROBES
from services.collect.rounds import Rounds
from services.collect.sight import Sighting
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.observation import CheckResult, Observation, Status
from services.setting_values import Address
from tests.support.check_peers import refused_port

OWN = ("healthdeck-database", "healthdeck-cache", "healthdeck-scheduler")


class Sink:
    """Takes what is submitted; ``hold`` keeps the submitter waiting."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.seen: list[Observation] = []
        self.hold = threading.Event()
        self.hold.set()
        self._more = threading.Condition()

    def __call__(self, batch: Sequence[Observation]) -> None:
        self.hold.wait(20)
        with self._more:
            self.batches.append(len(batch))
            self.seen.extend(batch)
            self._more.notify_all()

    def wait(self, enough: Callable[[], object], timeout: float = 10) -> None:
        with self._more:
            assert self._more.wait_for(enough, timeout), f"only {Counter(self.targets())}"

    def wait_for(self, *keys: str) -> None:
        self.wait(lambda: set(keys) <= set(self.targets()))

    def targets(self) -> list[str]:
        return [observation.target for observation in self.seen]

    def of(self, key: str) -> Observation:
        return next(seen for seen in reversed(self.seen) if seen.target == key)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Probes:
    """Stands in for the checks: counts, and keeps those waiting whose host is named ``slow``
    until ``release``."""

    def __init__(self) -> None:
        self.begun: Counter[str] = Counter()
        self.under_way = self.most = 0
        self._gate = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, check, timeout, context) -> CheckResult:
        self._loop = asyncio.get_running_loop()
        self.begun[check.host] += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if check.host == "slow":
                await self._gate.wait()
        finally:
            self.under_way -= 1
        return CheckResult(Status.HEALTHY, "fine")

    def release(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._gate.set)


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def probes(monkeypatch) -> Probes:
    probes = Probes()
    monkeypatch.setattr(module, "probe", probes)
    return probes


def fine() -> CheckResult:
    return CheckResult(Status.HEALTHY, "fine")


@pytest.fixture
def made(sink) -> Iterator[Callable[..., Rounds]]:
    """Makes rounds over an inventory; whatever happens they are stopped."""
    running: list[Rounds] = []

    def make(
        inventory: dict[str, Any],
        own=None,
        interval=30.0,
        timeout=10.0,
        witnesses=(),
        **more,
    ) -> Rounds:
        fleet = Fleet.build(Inventory.model_validate(inventory), "here", "cache")
        settings = cast(
            Any,
            SimpleNamespace(collect_interval=interval, check_timeout=timeout, witnesses=witnesses),
        )
        own_checks = {key: (own or {}).get(part, fine) for key, part in fleet.own.items()}
        running.append(Rounds(fleet, settings, sink, own_checks, **more))
        return running[-1]

    yield make
    sink.hold.set()
    for one in running:
        one.stop()


def tcp(host: str, **monitoring: Any) -> dict[str, Any]:
    service = {"name": "it", "type": "x", "check": {"tcp": f"{host}:1"}}
    return {"id": host, "services": [service], "monitoring": monitoring}


def servers(count: int) -> dict[str, Any]:
    return {"vps": [tcp(f"v{n}") for n in range(count)]}


def local_id(rounds: Rounds) -> str:
    return rounds._fleet.local


def test_the_real_thing(made, sink, monitored):
    """This machine, a service, a tenant's application and Healthdeck's own parts, by the clock."""
    before = time.time()
    rounds = made(
        {
            "vps": [
                {"id": "v", "source": {"type": "local"}, "services": [
                    {"name": "api", "type": "api", "check": {"http": f"{monitored.url}/health"}},
                    {"name": "port", "type": "x", "check": {"tcp": f"127.0.0.1:{monitored.port}"}},
                    {"name": "unseen", "type": "x"},
                ]},
            ],
            "tenants": [
                {"id": "acme", "services": [{"name": "app", "url": f"{monitored.url}/app"}]}
            ],
        },
        own={"database": lambda: CheckResult(Status.HEALTHY, "reads and writes")},
        interval=1,
    )  # fmt: skip
    rounds.start()
    rounds.tick()
    expected = {"v", "v/api", "v/port", "@acme/app", *(f"v/{name}" for name in OWN)}
    sink.wait_for(*expected)
    assert set(sink.targets()) == expected
    assert sink.of("v").metrics["system.memory.total"] > 0
    assert sink.of("v/healthdeck-database").check == CheckResult(Status.HEALTHY, "reads and writes")
    api = sink.of("v/api").check
    assert api is not None
    assert api.parts == {"database": Status.HEALTHY, "api": Status.HEALTHY}
    assert all(before <= seen.at <= time.time() for seen in sink.seen)
    assert all(seen.error is None for seen in sink.seen)


def test_each_target_is_looked_at_once_an_interval(made, sink, clock, probes):
    rounds = made(servers(5), clock=clock)
    rounds.start()
    for second in range(91):  # every second, as the scheduler does; 90 s are 3 intervals
        clock.now = 1001.0 + second
        rounds.tick()
        if second % 30 == 0:
            sink.wait(lambda times=second // 30 + 1: len(sink.seen) >= 9 * times)
    stats = rounds.stats()
    assert set(probes.begun.values()) == {4}
    assert (stats["looks"], stats["rounds"], stats["skipped"]) == (36, 4, 0)
    assert (stats["targets"], stats["in_flight"], stats["running"]) == (9, 0, 1)


def test_a_look_keeps_its_moment_whatever_the_ticks_do(made, sink, clock, probes):
    """Ticks that come late do not move the looks after them."""
    rounds = made({"vps": [tcp("v", interval=10)]}, interval=3600, clock=clock)
    rounds.start()
    for now, looks in [(1001, 1), (1010.0, 1), (1017, 2), (1019.0, 2), (1021, 3), (1031, 4)]:
        clock.now = now
        rounds.tick()
        sink.wait(lambda looks=looks: sink.targets().count("v/it") >= looks)
        assert probes.begun["v"] == looks, now


def test_what_a_stalled_scheduler_missed_is_not_made_up_for(made, sink, clock, probes):
    rounds = made(servers(3), clock=clock)
    rounds.start()
    clock.now += 10 * 30
    rounds.tick()
    sink.wait(lambda: len(sink.seen) == 7)
    rounds.tick()
    assert rounds.stats()["rounds"] == 1
    assert probes.begun.total() == 3


def test_a_large_fleet_is_spread_over_the_interval(made, sink, clock, probes):
    rounds = made(servers(300), clock=clock)
    rounds.start()
    by_second = Counter(int(due - 1000) for due, _ in rounds._due)
    assert set(by_second) == set(range(30))
    assert max(by_second.values()) < 30, "10 a second on average"
    for second in range(30):
        clock.now = 1000.0 + second
        rounds.tick()
    sink.wait(lambda: len(sink.seen) == 304)
    assert set(probes.begun.values()) == {1}
    assert rounds.stats()["skipped"] == 0


def test_the_phase_is_the_same_at_every_start(made, clock, probes):
    inventory = servers(200)
    first, second = made(inventory, clock=clock), made(inventory, clock=clock)
    first.start()
    second.start()
    assert sorted(first._due) == sorted(second._due)


def test_a_slow_target_delays_nobody_and_its_next_look_is_skipped(made, sink, clock, probes):
    rounds = made({"vps": [tcp("slow"), tcp("v")]}, clock=clock)
    rounds.start()
    for round_ in range(3):
        clock.now = 1001.0 + 30 * round_
        rounds.tick()
        sink.wait(lambda times=round_ + 1: sink.targets().count("v/it") == times)
    assert "slow/it" not in sink.targets()
    assert (probes.begun["slow"], rounds.stats()["skipped"]) == (1, 2)
    assert rounds.stats()["in_flight"] == 1
    probes.release()
    sink.wait_for("slow/it")


def test_the_number_of_looks_at_a_time_is_limited(made, sink, clock, probes):
    many = [
        {"id": f"v{n}", "services": [{"name": "it", "type": "x", "check": {"tcp": "slow:1"}}]}
        for n in range(MOST_PROBES + 60)
    ]
    rounds = made({"vps": many}, clock=clock)
    rounds.start()
    clock.now += 31
    rounds.tick()
    key = local_id(rounds)
    sink.wait_for(key, *(f"{key}/{name}" for name in OWN))
    assert rounds.stats()["in_flight"] == len(many)
    assert probes.under_way == MOST_PROBES
    probes.release()
    sink.wait(lambda: len(set(sink.targets())) == len(many) + 4)
    assert probes.most == MOST_PROBES
    assert max(sink.batches) <= BATCH
    assert len(sink.batches) < 20, "in batches, not one by one"


def test_a_slow_store_does_not_hold_up_the_looks(made, sink, clock, probes):
    rounds = made(servers(5), clock=clock)
    sink.hold.clear()
    rounds.start()
    for looks in (9, 18, 27):
        clock.now = 1001.0 + 30 * (looks // 9 - 1)
        rounds.tick()
        _until(partial(_looked, rounds, looks))
    sink.hold.set()
    sink.wait(lambda: len(sink.seen) == 27)
    assert rounds.stats()["dropped"] == 0


def test_a_store_that_fails_is_logged_and_asked_again(made, sink, clock, probes, monkeypatch):
    rounds = made(servers(1), clock=clock)
    failed = threading.Event()

    def failing(_batch):
        failed.set()
        raise OSError("disk full")

    with structlog.testing.capture_logs() as logged:
        monkeypatch.setattr(rounds._delivery, "_submit", failing)
        rounds.start()
        clock.now += 1
        rounds.tick()
        _until(lambda: rounds.stats()["dropped"] == 5)
    assert failed.is_set()
    assert "submit_failed" in {entry["event"] for entry in logged}
    monkeypatch.setattr(rounds._delivery, "_submit", sink)
    clock.now += 30
    rounds.tick()
    sink.wait_for("v0/it")


def test_an_own_check_that_hangs(made, sink, clock):
    release = threading.Event()
    rounds = made(
        {}, own={"database": lambda: release.wait(20) and fine()}, timeout=0.2, clock=clock
    )
    key = f"{local_id(rounds)}/healthdeck-database"
    try:
        rounds.start()
        clock.now += 1
        rounds.tick()
        sink.wait_for(key, f"{local_id(rounds)}/healthdeck-cache")
        assert sink.of(key).check == CheckResult(
            Status.UNHEALTHY, "no answer within 0.2 s", evidence={"error": "Timeout"}
        )
        clock.now += 30
        rounds.tick()
        sink.wait(lambda: sink.targets().count(key) == 2)
        second = sink.of(key).check
        assert second is not None
        assert second.message == "the look begun 30 s ago has not come back"
    finally:
        release.set()
    _until(lambda: not rounds._looks._calls._begun)
    clock.now += 30
    rounds.tick()
    sink.wait(lambda: sink.targets().count(key) == 3)
    assert sink.of(key).check == fine()


def test_an_own_check_that_raises(made, sink, clock):
    def broken() -> CheckResult:
        raise LookupError("which database?")

    rounds = made({}, own={"database": broken}, clock=clock)
    with structlog.testing.capture_logs() as logged:
        rounds.start()
        clock.now += 1
        rounds.tick()
        sink.wait_for(key := f"{local_id(rounds)}/healthdeck-database")
    result = sink.of(key).check
    assert result is not None
    assert (result.status, result.message) == (
        Status.UNKNOWN, "could not look: LookupError inside Healthdeck",
    )  # fmt: skip
    assert "own_check_failed" in {entry["event"] for entry in logged}


def test_a_machine_that_cannot_be_read_in_time(made, sink, clock, monkeypatch):
    release = threading.Event()
    rounds = made({}, timeout=0.2, clock=clock)
    monkeypatch.setattr("services.host.HostReader.read", lambda *_: release.wait(20))
    try:
        rounds.start()
        clock.now += 1
        rounds.tick()
        sink.wait_for(local_id(rounds))
        assert sink.of(local_id(rounds)).error == "no answer within 0.2 s"
    finally:
        release.set()


def test_what_is_switched_off_is_not_looked_at(made, sink, clock, probes):
    rounds = made({"vps": [tcp("off", enabled=False), tcp("v")]}, clock=clock)
    rounds.start()
    clock.now += 1
    rounds.tick()
    sink.wait_for("v/it", local_id(rounds))
    assert set(probes.begun) == {"v"}


def test_a_stop_hands_over_what_was_seen_and_waits_for_nobody(made, sink, clock, probes):
    hanging = threading.Event()
    rounds = made(
        {"vps": [tcp("slow"), tcp("v")]}, own={"cache": lambda: hanging.wait(20)}, clock=clock
    )
    rounds.start()
    clock.now += 1
    rounds.tick()
    _until(lambda: rounds.stats()["looks"] == 4)  # all but the two that hang
    begun = time.monotonic()
    rounds.stop()
    took = time.monotonic() - begun
    hanging.set()
    assert took < 2
    assert sorted(sink.targets()).count("v/it") == 1
    assert len(sink.seen) == 4
    assert rounds.stats()["running"] == 0
    clock.now += 30
    rounds.tick()
    rounds.stop()
    assert probes.begun["v"] == 1


def test_a_stop_while_the_store_hangs(made, sink, clock, probes):
    rounds = made(servers(2), clock=clock)
    sink.hold.clear()
    rounds.start()
    clock.now += 1
    rounds.tick()
    _until(lambda: rounds.stats()["looks"] == 6)
    begun = time.monotonic()
    rounds.stop()
    assert time.monotonic() - begun < 2


def test_before_the_start_nothing_happens(made, probes):
    rounds = made(servers(2))
    rounds.tick()
    rounds.stop()
    assert rounds.stats()["running"] == 0
    assert probes.begun == {}


def _looked(rounds: Rounds, times: int) -> bool:
    return rounds.stats()["looks"] == times


def _until(check: Callable[[], bool], timeout: float = 10) -> None:
    pause = threading.Event()
    deadline = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < deadline, "it never came to that"
        pause.wait(0.005)


def fleet_of(*servers_: dict[str, Any]) -> Fleet:
    return Fleet.build(Inventory.model_validate({"vps": list(servers_)}), "here", "cache")


def test_another_fleet_while_it_runs(made, sink, clock, probes):
    rounds = made({"vps": [tcp("stays"), tcp("goes"), tcp("paused"), tcp("slow")]}, clock=clock)
    rounds.start()
    clock.now += 1
    rounds.tick()
    sink.wait_for("stays/it", "goes/it", "paused/it")
    _until(lambda: probes.begun["slow"] == 1)
    before = {key: due for due, key in rounds._due}
    rounds.replace(fleet_of(tcp("stays"), tcp("paused", enabled=False), tcp("new")))
    after = {key: due for due, key in rounds._due}
    assert set(after) == (set(before) - {"goes/it", "paused/it", "slow/it"}) | {"new/it"}
    assert all(after[key] == before[key] for key in before.keys() & after.keys())
    _until(lambda: probes.under_way == 0)  # the look at the slow one is cancelled
    clock.now += 1
    rounds.tick()
    sink.wait_for("new/it")
    clock.now += 30
    rounds.tick()
    sink.wait(lambda: sink.targets().count("stays/it") == 2 and sink.targets().count("new/it") == 2)
    assert (probes.begun["goes"], probes.begun["paused"], probes.begun["slow"]) == (1, 1, 1)
    assert "slow/it" not in sink.targets()
    rounds.replace(fleet_of(tcp("stays"), tcp("paused")))
    clock.now += 1
    rounds.tick()
    sink.wait(lambda: sink.targets().count("paused/it") == 2)


def test_another_check_or_interval_takes_effect(made, sink, clock, probes):
    rounds = made({"vps": [tcp("v", interval=3600)]}, clock=clock)
    rounds.start()
    clock.now += 1
    rounds.tick()
    sink.wait_for("v/it")
    changed = tcp("v", interval=10)
    changed["services"][0]["check"] = {"tcp": "other:1"}
    rounds.replace(fleet_of(changed))
    clock.now += 10
    rounds.tick()
    _until(lambda: probes.begun["other"] == 1)
    assert probes.begun["v"] == 1


def test_own_parts_move_with_this_machine(made, sink, clock):
    rounds = made({}, own={"database": fine}, clock=clock)
    rounds.start()
    rounds.replace(fleet_of({"id": "here-too", "source": {"type": "local"}}))
    clock.now += 1
    rounds.tick()
    sink.wait_for("here-too", "here-too/healthdeck-database")


def test_replacing_from_one_thread_and_ticking_from_another(made, sink, clock, probes):
    rounds = made(servers(50), clock=clock)
    rounds.start()
    failed: list[BaseException] = []

    def tick() -> None:
        try:
            for _ in range(200):
                clock.now += 0.5
                rounds.tick()
        except BaseException as error:
            failed.append(error)

    ticking = threading.Thread(target=tick)
    ticking.start()
    for turn in range(30):
        rounds.replace(fleet_of(*(tcp(f"v{n}") for n in range(turn % 7, 50, 2))))
    ticking.join(20)
    assert failed == []
    keys = [key for _, key in rounds._due]
    assert len(keys) == len(set(keys)) == rounds.stats()["targets"]


def test_the_witness_of_a_server(made, monitored):
    rounds = made(
        {"vps": [{"id": "v", "witness": {"tcp": f"127.0.0.1:{monitored.port}"}}, {"id": "w"}]}
    )
    assert rounds.ask_witness("v").result(1) is None, "nobody looks yet"
    rounds.start()
    seen = rounds.ask_witness("v").result(5)
    assert seen is not None
    assert seen.status is Status.HEALTHY
    assert rounds.ask_witness("w").result(5) is None
    assert rounds.ask_witness("gone").result(5) is None


def test_the_monitors_own_sight(made, monitored):
    with refused_port() as port:
        nobody = Address("127.0.0.1", port)
        here = Address("127.0.0.1", monitored.port)
        failed = {f"127.0.0.1:{port}": f"connection refused by 127.0.0.1:{port}"}
        for witnesses, expected in (
            ((nobody, here), Sighting(True)),
            ((nobody,), Sighting(False, failed)),
            ((), None),
        ):
            rounds = made({}, witnesses=witnesses)
            rounds.start()
            asked = [rounds.ask_sight() for _ in range(5)]
            assert [one.result(5) for one in asked] == [expected] * 5
            rounds.stop()
            assert rounds.ask_sight().result(1) is None
