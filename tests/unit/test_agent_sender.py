"""What the agent makes of the hub's answers; a hub that is a function, clocks that stand still."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.agent.buffer import Buffer
from services.agent.clock import Clock
from services.agent.commands import Commands
from services.agent.link import LinkError, Reply
from services.agent.protocol import BadAnswer, content_of, parse
from services.agent.runner import Outcome, Runner
from services.agent.sender import Sender
from services.agent.voice import Voice
from services.observation import Observation

WELL: dict[str, Any] = {"serverTime": 5000.0, "interval": 30, "rejected": [], "commands": []}


class Quick(Runner):
    def run(self, arguments) -> Outcome:
        return Outcome(0, "fine")


class Scene:
    """An agent's parts, with a hub that answers ``answer(report)``: a dict (200), a status, a
    Reply, or None (no answer)."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.up, self.wall, self.boot = 100.0, 5000.0, "boot"
        clock = Clock(lambda: self.wall, lambda: self.up, lambda: self.boot)
        self.clock = clock
        voice = Voice(clock.steady)
        self.buffer = Buffer(folder, voice, clock.steady)
        self.commands = Commands(folder, ["restart:a.service"], Quick(""), voice)
        self.reports: list[dict[str, Any]] = []
        self.answer: Callable[[dict[str, Any]], Any] = stored
        self.interval = 30.0
        self.token = "hda_first"
        self.tokens: list[str] = []
        self.sender = Sender(
            self, lambda: self.token, self.buffer, self.commands, clock, voice, self.pace,
            random.Random(seed),
        )  # fmt: skip

    def exchange(self, body: bytes, token: str) -> Reply:
        self.tokens.append(token)
        self.reports.append(json.loads(body))
        answer = self.answer(self.reports[-1])
        if answer is None:
            raise LinkError("Connection refused")
        if isinstance(answer, int):
            return Reply(answer, b"{}")
        return answer if isinstance(answer, Reply) else Reply(200, json.dumps(answer).encode())

    def pace(self, wish: float | None) -> float:
        self.interval = wish or self.interval
        return self.interval

    def read(self, count: int = 1, metrics: dict[str, float] | None = None) -> None:
        for _ in range(count):
            reading = Observation("vps", self.wall, metrics or {})
            self.buffer.append(content_of(reading, self.clock, {}))

    def turn(self) -> float:
        """Waits as long as the sender wants, then reports; how long that was."""
        pause = self.sender.pause()
        assert pause is not None
        self.up += pause
        self.wall += pause
        self.sender.report()
        return pause

    def until_quiet(self, most: int = 100) -> int:
        for turns in range(most):
            if not self.buffer.has_unacknowledged() and not self.commands.has_news():
                return turns
            self.turn()
        raise AssertionError("it does not come to rest")


def stored(report: dict[str, Any]) -> dict[str, Any]:
    return WELL | {"accepted": max((one["seq"] for one in report["observations"]), default=0)}


@pytest.fixture
def scene(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Scene:
    caplog.set_level(logging.INFO)
    return Scene(tmp_path)


def sent(scene: Scene) -> list[list[int]]:
    return [[one["seq"] for one in report["observations"]] for report in scene.reports]


def test_a_backlog_goes_in_batches_without_a_pause(scene: Scene) -> None:
    scene.read(1200)
    assert [scene.turn() for _ in range(3)] == [0, 0, 0]
    assert [len(batch) for batch in sent(scene)] == [500, 500, 200]
    assert scene.sender.pause() is None
    assert not scene.buffer.has_unacknowledged()


def test_a_hub_that_stored_a_part_gets_the_rest(scene: Scene) -> None:
    scene.read(5)
    scene.answer = lambda report: WELL | {"accepted": report["observations"][0]["seq"] + 1}
    scene.turn()
    scene.answer = stored
    scene.turn()
    assert sent(scene) == [[1, 2, 3, 4, 5], [3, 4, 5]]


def test_what_the_hub_does_not_want_is_dropped(scene: Scene, caplog) -> None:
    scene.read(3)
    scene.answer = lambda report: (
        WELL | {"accepted": 2, "rejected": [{"seq": 3, "reason": "a time of next year"}]}
    )
    scene.turn()
    assert not scene.buffer.has_unacknowledged()
    assert "does not want reading 3: a time of next year" in caplog.text


@pytest.mark.parametrize("poison", [1, 2, 250, 499, 500, 501, 777])
@pytest.mark.parametrize("status", [400, 413])
def test_a_reading_that_the_hub_chokes_on_stops_no_other(
    scene: Scene, caplog, poison: int, status: int
) -> None:
    scene.read(777)
    taken: list[int] = []

    def choke(report: dict[str, Any]) -> Any:
        seqs = [one["seq"] for one in report["observations"]]
        if poison in seqs:
            return status
        taken.extend(seqs)
        return stored(report)

    scene.answer = choke
    scene.until_quiet()
    assert taken == [seq for seq in range(1, 778) if seq != poison]
    assert f"refuses reading {poison}; it is dropped" in caplog.text


def test_a_hub_that_refuses_everything_costs_no_reading(scene: Scene, caplog) -> None:
    scene.read(20)
    scene.answer = lambda _: 400
    for _ in range(40):
        scene.turn()
    assert scene.buffer.waiting() == 20
    assert "takes no report" in caplog.text
    scene.answer = stored
    scene.until_quiet()


def test_a_result_that_the_hub_chokes_on_stops_nothing(scene: Scene, caplog) -> None:
    scene.read(3)
    scene.answer = lambda report: (
        stored(report) | {"commands": [{"id": "c", "action": "stop", "expiresAt": 9000}]}
    )
    scene.turn()
    scene.read(3)
    scene.answer = lambda report: 400 if report["results"] else stored(report)
    scene.until_quiet()
    assert scene.commands.results() == []
    assert "refuses the results of c" in caplog.text
    assert sent(scene)[-1] == [4, 5, 6]


def test_attempts_are_spread_and_never_closer_than_a_second(tmp_path: Path) -> None:
    firsts, lasts = [], []
    for seed in range(60):
        (tmp_path / str(seed)).mkdir()
        scene = Scene(tmp_path / str(seed), seed)
        scene.interval = 120
        scene.read()
        scene.answer = lambda _: None
        scene.turn()
        pauses = [scene.turn() for _ in range(12)]
        assert min(pauses) >= 1
        assert max(pauses) <= 60
        firsts.append(pauses[0])
        lasts.append(pauses[-1])
    assert max(firsts) <= 2
    assert min(lasts) < 8
    assert max(lasts) > 52
    assert 24 < sum(lasts) / len(lasts) < 37


def test_the_pause_is_no_longer_than_the_interval(scene: Scene) -> None:
    scene.read()
    scene.interval = 10
    scene.answer = lambda _: None
    assert max(scene.turn() for _ in range(40)) <= 10


@pytest.mark.parametrize("status", [503, 429])
def test_retry_after_is_kept_to(scene: Scene, status: int) -> None:
    scene.read()
    scene.answer = lambda _: Reply(status, b"", 40.0)
    scene.turn()
    assert 40 <= scene.turn() <= 44
    scene.answer = lambda _: Reply(status, b"", 1e9)
    scene.turn()
    assert scene.turn() <= 660
    scene.answer = stored
    scene.turn()
    assert scene.sender.pause() is None


def test_an_unknown_token_is_said_once_a_minute(scene: Scene, caplog) -> None:
    scene.read()
    scene.answer = lambda _: 401
    began = scene.up
    while scene.up < began + 600:
        scene.turn()
    lines = [r for r in caplog.records if "401" in r.message]
    assert 5 <= len(lines) <= 11
    assert scene.buffer.waiting() == 1
    scene.token = "hda_second"
    scene.turn()
    assert scene.turn() == pytest.approx(1)
    assert scene.tokens[-2:] == ["hda_first", "hda_second"]


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"<html>", b"[]", b"null", b"\xff\xfe", b"[" * 10**5),
        *(b'{"accepted": "x"}', b'{"accepted": -1}', b'{"accepted": true}', b'{"accepted": 1.5}'),
    ],
)
def test_garbage_is_no_answer(scene: Scene, content: bytes) -> None:
    with pytest.raises(BadAnswer):
        parse(content)
    scene.read()
    scene.answer = lambda _: Reply(200, content)
    scene.turn()
    assert scene.buffer.waiting() == 1
    assert scene.turn() >= 1


def test_odd_parts_of_an_answer_are_left_out() -> None:
    commands: list[Any] = [3, {"id": ""}, {"id": "a b"}, {"id": "ok", "lines": "x", "unit": 5}]
    answer = parse(
        json.dumps(
            {
                "accepted": 4,
                "rejected": [1, {"seq": "x"}, {"seq": 4}],
                "interval": "soon",
                "serverTime": True,
                "commands": commands,
                "new": {},
            }
        ).encode()
    )
    assert (answer.accepted, answer.interval, answer.server_time) == (4, None, None)
    assert answer.rejected == {4: "no reason given"}
    assert [(c.id, c.action, c.unit, c.lines, c.expires_at) for c in answer.commands] == [
        ("ok", "", "", 200, 0.0)
    ]
    assert parse(b'{"accepted": 1, "interval": 1e999, "serverTime": NaN}').interval is None


def test_a_hub_that_accepts_nothing_is_not_asked_in_a_loop(scene: Scene) -> None:
    scene.read(2)
    scene.answer = lambda _: WELL | {"accepted": 0}
    scene.turn()
    assert scene.turn() >= 1
    assert scene.buffer.waiting() == 2


def test_a_machine_that_was_put_back_to_an_older_state(scene: Scene, caplog) -> None:
    """The hub has higher numbers of this stream: what comes now would count as known."""
    scene.read()
    before = scene.buffer.stream
    scene.answer = lambda _: WELL | {"accepted": 500}
    scene.turn()
    assert "older state" in caplog.text
    scene.read()
    scene.answer = stored
    scene.turn()
    assert scene.reports[-1]["stream"] == scene.buffer.stream != before
    assert not scene.buffer.has_unacknowledged()


def test_a_clock_that_was_set_moves_the_readings_along(scene: Scene) -> None:
    scene.wall = 0.0  # a machine that starts without a clock
    scene.read()
    scene.up, scene.wall = 160.0, 60.0
    scene.read()
    scene.up, scene.wall = 170.0, 90_000.0
    scene.turn()
    report = scene.reports[-1]
    assert report["sentAt"] == 90_000.0
    assert [one["at"] for one in report["observations"]] == [89_930.0, 89_990.0]
    assert all(
        set(one) == {"seq", "at", "metrics", "facts", "error"} for one in report["observations"]
    )


def test_readings_of_an_earlier_start_keep_their_times(scene: Scene) -> None:
    scene.read()
    scene.boot, scene.up, scene.wall = "other", 5.0, 9000.0
    scene.turn()
    assert scene.reports[-1]["observations"][0]["at"] == 5000.0


def test_a_slow_drift_moves_nothing(scene: Scene) -> None:
    scene.read()
    scene.up, scene.wall = 200.0, 5101.5
    scene.turn()
    assert scene.reports[-1]["observations"][0]["at"] == 5000.0


def test_after_a_command_the_hub_is_asked_every_two_seconds_for_a_minute(scene: Scene) -> None:
    command = {"id": "c", "action": "restart", "unit": "b.service", "expiresAt": 9000}
    scene.read()
    scene.answer = lambda report: stored(report) | {"commands": [command]}
    scene.turn()
    assert scene.turn() == 0, "the result goes at once"
    (result,) = scene.reports[-1]["results"]
    assert (result["id"], result["state"]) == ("c", "failed")
    pauses = []
    while scene.sender.pause() is not None:
        pauses.append(scene.turn())
    assert set(pauses) == {2.0}
    assert 28 <= len(pauses) <= 30, "a command that comes again and again prolongs nothing"


def test_the_hubs_clock_decides_what_has_expired(scene: Scene) -> None:
    scene.wall = 10.0**9
    command = {"id": "late", "action": "restart", "unit": "a.service", "expiresAt": 4999}
    scene.read()
    scene.answer = lambda report: stored(report) | {"commands": [command]}
    scene.turn()
    assert "expired" in scene.commands.results()[0]["output"]


def test_a_change_of_state_is_one_line(scene: Scene, caplog) -> None:
    for answer in (stored, lambda _: None, lambda _: None, stored, stored):
        scene.answer = answer
        scene.read()
        scene.turn()
    assert [r.message.split(";")[0] for r in caplog.records] == [
        "the hub takes this agent's reports",
        "the hub cannot be reached: Connection refused",
        f"the hub takes this agent's reports again, after {scene.up - 100:.0f} s",
    ]


def test_values_that_json_has_not_are_left_out(scene: Scene) -> None:
    scene.read(metrics={"system.cpu.usage": float("nan"), "system.load.1m": 1.0, "x": float("inf")})
    scene.turn()
    assert scene.reports[-1]["observations"][0]["metrics"] == {"system.load.1m": 1.0}
