"""What the agent and the hub say to each other: ``POST /api/agent/v1/report``."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.agent import VERSION
from services.agent.clock import Clock
from services.agent.segments import Stored
from services.observation import Observation

AGENT = f"healthdeck-agent/{VERSION}"
ROUTE = "/api/agent/v1/report"

#: Readings in one report, and bytes of them (the hub takes 8 MiB unpacked, 1 MiB on the wire).
MOST_READINGS = 500
MOST_BYTES = 1024 * 1024

#: A wall clock that ran this much (seconds) apart from the steady one was set by somebody.
CLOCK_WAS_SET = 2.0

LONGEST_TEXT = 500

_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")


class BadAnswer(Exception):
    """An answer that this protocol does not have; says why."""


@dataclass(frozen=True, slots=True)
class Command:
    """What the hub asks for; ``expires_at`` in seconds of the hub's clock."""

    id: str
    action: str
    unit: str
    lines: int
    expires_at: float


@dataclass(frozen=True, slots=True)
class Answer:
    """``accepted``: the highest number of the stream that the hub has stored. ``server_time``
    in seconds since the epoch, ``interval`` in seconds."""

    accepted: int
    rejected: Mapping[int, str]
    server_time: float | None
    interval: float | None
    commands: tuple[Command, ...]


def content_of(observation: Observation, clock: Clock, extra: Mapping[str, Any]) -> dict[str, Any]:
    """A reading as it is kept on disk: what the hub gets, and when it was by the clock that
    nobody can set (``up`` in seconds, of the start ``boot``)."""
    facts = {**observation.facts, **extra}
    return {
        "at": observation.at,
        "metrics": _numbers(observation.metrics),
        "facts": {
            **_numbers({n: v for n, v in facts.items() if not isinstance(v, str)}),
            **{n: v[:LONGEST_TEXT] for n, v in facts.items() if isinstance(v, str)},
        },
        "error": observation.error and observation.error[:LONGEST_TEXT],
        "up": round(clock.steady(), 3),
        "boot": clock.boot(),
    }


def _numbers(found: Mapping[str, Any]) -> dict[str, Any]:
    """Those that JSON can say."""
    return {name: value for name, value in found.items() if math.isfinite(value)}


def report(
    stream: str,
    readings: Sequence[Stored],
    allows: Sequence[str],
    results: Sequence[Mapping[str, Any]],
    clock: Clock,
) -> bytes:
    """The body of a report."""
    now, up, boot = clock.wall(), clock.steady(), clock.boot()
    body = {
        "agent": AGENT,
        "stream": stream,
        "sentAt": round(now, 3),
        "observations": [_observation(one, now, up, boot) for one in readings],
        "allows": list(allows),
        "results": list(results),
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _observation(one: Stored, now: float, up: float, boot: str) -> dict[str, Any]:
    """The hub corrects times by what our clock says now. A reading of before somebody set that
    clock is moved along, by its age on the clock that nobody can set."""
    content = json.loads(one.content)
    at, then = content["at"], content.pop("up", up)
    if content.pop("boot", "") == boot and boot:
        moved = now - (up - then)
        if abs(moved - at) > CLOCK_WAS_SET:
            content["at"] = round(moved, 3)
    return {"seq": one.seq, **content}


def parse(content: bytes) -> Answer:
    """The hub's answer. Unknown fields are left alone. Raises BadAnswer."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadAnswer("it is not JSON") from error
    if not isinstance(body, dict):
        raise BadAnswer("it is not a JSON object")
    accepted = body.get("accepted")
    if accepted is not None and (type(accepted) is not int or accepted < 0):
        raise BadAnswer("'accepted' is not a number of the stream")
    return Answer(
        accepted or 0,
        {
            one["seq"]: str(one.get("reason") or "no reason given")[:LONGEST_TEXT]
            for one in _objects(body, "rejected")
            if type(one.get("seq")) is int
        },
        _number(body.get("serverTime")),
        _number(body.get("interval")),
        tuple(c for one in _objects(body, "commands") if (c := _command(one))),
    )


def _objects(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = body.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _command(one: Mapping[str, Any]) -> Command | None:
    """None for what has no usable id: there is nothing to answer it with."""
    name = one.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        return None
    action, unit, lines = one.get("action"), one.get("unit"), one.get("lines")
    return Command(
        name,
        action if isinstance(action, str) else "",
        unit if isinstance(unit, str) else "",
        lines if type(lines) is int else 200,
        _number(one.get("expiresAt")) or 0.0,
    )


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
