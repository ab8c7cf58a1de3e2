"""Judgement of one target and of many."""

from __future__ import annotations

import pytest

from services.health.status import judge, of_many, of_vps, silence
from services.observation import CheckResult, Observation, Status

H, D, U, X = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY, Status.UNKNOWN


def checked(status, at=0.0, **more):
    return Observation("vps-1/api", at, check=CheckResult(status, f"is {status}", **more))


def machine(cpu, at=0.0):
    return Observation("vps-1", at, metrics={"system.cpu.usage": cpu})


def run(observations):
    state = None
    seen = []
    for at, observation in enumerate(observations):
        state = judge(state, Observation(**{**_fields(observation), "at": float(at)}))
        seen.append(state.status)
    return state, seen


def _fields(observation):
    return {name: getattr(observation, name) for name in observation.__slots__}


@pytest.mark.parametrize(
    ("why", "rounds", "expected"),
    [
        ("the first look counts", [U], [U]),
        ("a failed check counts at once", [H, U], [H, U]),
        ("recovery needs two good rounds", [U, H, H], [U, U, H]),
        ("one good round in between is no recovery", [U, H, U, H, H], [U, U, U, U, H]),
        ("a partial recovery needs two rounds too", [U, D, D], [U, U, D]),
        ("worse on the way up counts at once", [H, D, U], [H, D, U]),
        ("unknown and back count at once", [H, X, H], [H, X, H]),
    ],
)
def test_checks(why, rounds, expected):
    assert run([checked(status) for status in rounds])[1] == expected, why


@pytest.mark.parametrize(
    ("why", "rounds", "expected"),
    [
        ("a short burst is nothing", [20, 99, 99, 99, 99, 20], [H, H, H, H, H, H]),
        ("five rounds above the limit are", [20, 99, 99, 99, 99, 99], [H, H, H, H, H, D]),
        ("two quiet rounds end it", [99, 20, 20], [D, D, H]),
    ],
)
def test_machines(why, rounds, expected):
    assert run([machine(cpu) for cpu in rounds])[1] == expected, why


@pytest.mark.parametrize(
    ("why", "rounds", "expected", "reason"),
    [
        ("a resource runs out", [(H, 99)] * 5, [H, H, H, H, D], "CPU 99 %"),
        ("what it says of itself counts at once", [(H, 99), (D, 99)], [H, D], "is degraded"),
        ("and is not made better by a cool CPU", [(U, 10)], [U], "is unhealthy"),
        ("a cool one is well", [(H, 10)], [H], "is healthy"),
    ],
)
def test_a_server_that_answers_for_itself_is_measured_too(why, rounds, expected, reason):
    readings = [checked(H), *(
        Observation("vps-1", 0.0, {"system.cpu.usage": cpu}, CheckResult(status, f"is {status}"))
        for status, cpu in rounds
    )]  # fmt: skip
    state, seen = run(readings)
    assert (seen[1:], state.reason) == (expected, reason), why


def test_a_hot_machine_names_the_resource():
    state, _ = run([machine(97.2)] * 2)
    assert state.reason == "CPU 97 %"


def test_a_change_knows_since_when_and_from_what():
    state, _ = run([checked(H), checked(H), checked(U)])
    assert (state.since, state.previous, state.reason) == (2.0, H, "is unhealthy")


def test_a_reading_that_failed_means_unknown():
    state = judge(None, Observation("vps-1", 1.0, error="psutil: no such file"))
    assert (state.status, state.reason) == (X, "psutil: no such file")


def test_a_reason_is_one_printable_line():
    status = judge(None, Observation("vps-1", 1.0, error="a\x00b\nc" + "x" * 900))
    assert status.reason.startswith("a b cx")
    assert len(status.reason) == 500


def test_a_failed_look_does_not_end_a_silence():
    quiet = silence(judge(None, Observation("vps-1", 0.0, metrics={"system.cpu.usage": 5.0})), 75.0)
    refused = judge(quiet, Observation("vps-1", 80.0, error="connection refused"))
    assert refused.silent
    assert not judge(refused, Observation("vps-1", 90.0, metrics={"system.cpu.usage": 5.0})).silent


def test_silence_is_unknown_and_says_for_how_long():
    state, _ = run([machine(20)])
    quiet = silence(state, 75.0)
    assert (quiet.status, quiet.silent, quiet.reason) == (X, True, "no reading for 75 s")
    again = silence(quiet, 80.0)
    assert again.since == quiet.since, "silence that goes on is no new change"
    back = judge(quiet, machine(20, at=81.0))
    assert (back.status, back.silent) == (H, False)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], X), ([H], H), ([H, H], H), ([H, U], D), ([U, U], U), ([D, D], D), ([X, H], D),
        ([X, X], X), ([D, U], D),
    ],
)  # fmt: skip
def test_many(statuses, expected):
    assert of_many(statuses) == expected


@pytest.mark.parametrize(
    ("host", "services", "expected"),
    [
        (H, [], H), (H, [H, H], H), (H, [H, U], D), (H, [U], D), (D, [H], D), (U, [H], U),
        (X, [H], X), (None, [], X), (None, [U, U], U), (None, [H, U], D),
    ],
)  # fmt: skip
def test_server(host, services, expected):
    assert of_vps(host, services) == expected
