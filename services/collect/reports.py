"""What an agent reports: the envelope as a whole or not at all, then each reading by itself."""

from __future__ import annotations

import itertools
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic import ValidationError as ModelError

from services.errors import PayloadTooLarge, ValidationError
from services.metrics import HOST_METRICS
from services.observation import Observation
from services.times import span

MOST_UNPACKED = 8 * 1024 * 1024
#: Lists and objects: each takes some twenty times its length in memory.
MOST_PARTS = 400_000
MOST_READINGS = 500
MOST_ALLOWS = 200
MOST_RESULTS = 50
MOST_FACTS = 50
LONGEST_TEXT = 500
#: Clocks that run this much (seconds) apart are corrected for.
SKEW = 2.0
#: A clock that seems behind may be a report that waited: an agent gives up after 10 s, so only
#: more than that is the clock.
WAITED = 15.0
#: A reading may lie this much (seconds) ahead of our clock, corrected.
AHEAD = 60.0
#: No machine has so much of anything that we measure: an exbibyte of bytes a second.
ABSURD = 2.0**60

_UNITS: Mapping[str, str] = {metric.name: metric.unit for metric in HOST_METRICS}


class _Wire(BaseModel):
    """Fields that we do not know come from a newer agent and are left alone."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class ReadingIn(_Wire):
    seq: Annotated[int, Field(ge=1, lt=2**63)]
    at: float
    metrics: dict[str, Any] = {}
    facts: dict[str, Any] = {}
    error: str | None = None


class ResultIn(_Wire):
    """How a command went; ``output`` of any length is cut by whoever keeps it."""

    id: Annotated[str, StringConstraints(max_length=100)]
    state: Annotated[str, StringConstraints(pattern="^(running|done|failed)$")]
    exit_code: Annotated[int | None, Field(alias="exitCode", ge=-(2**31), lt=2**31)] = None
    output: str = ""


class ReportIn(_Wire):
    agent: Annotated[str, StringConstraints(max_length=1000)] = ""
    vps_id: Annotated[str | None, Field(alias="vpsId")] = None
    stream: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,64}$")]
    sent_at: Annotated[float, Field(alias="sentAt", allow_inf_nan=False)]
    observations: Annotated[list[ReadingIn], Field(max_length=MOST_READINGS)] = []
    allows: Annotated[list[str], Field(max_length=MOST_ALLOWS)] = []
    results: Annotated[list[ResultIn], Field(max_length=MOST_RESULTS)] = []


@dataclass(frozen=True, slots=True)
class Report:
    """A report whose readings have been looked at. ``readings`` are the good ones with their
    numbers, ascending, in our time; ``highest`` is the last number of all that it held,
    ``rejected`` says why the others are not wanted. ``skew``: seconds by which the machine's
    clock runs ahead of ours, 0 when it hardly does."""

    vps_id: str
    stream: str
    agent: str
    allows: tuple[str, ...]
    received_at: float
    skew: float
    readings: tuple[tuple[int, Observation], ...]
    highest: int
    rejected: tuple[tuple[int, str], ...]


def unpack(data: bytes, encoding: str) -> bytes:
    """The content of a body. Raises ValidationError, or PayloadTooLarge as soon as more than
    MOST_UNPACKED bytes come out of it."""
    if encoding in ("", "identity"):
        return data
    if encoding not in ("gzip", "x-gzip"):
        raise ValidationError("The Content-Encoding must be gzip, or left out.")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(data, MOST_UNPACKED + 1)
    except zlib.error:
        raise ValidationError("The body is not gzip, although Content-Encoding says so.") from None
    if len(content) > MOST_UNPACKED:
        raise PayloadTooLarge("The report is larger than 8 MiB when it is unpacked.")
    if not unpacker.eof or unpacker.unused_data:
        raise ValidationError("The gzip of the body is cut off, or something follows it.")
    return content


def parse(content: bytes) -> ReportIn:
    """The envelope. Numbers that JSON does not have (NaN) get this far: they cost one reading,
    not the report. Raises ValidationError."""
    if content.count(b"[") + content.count(b"{") > MOST_PARTS:
        raise ValidationError("The body has more parts than any report.")
    try:
        value = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ValidationError("The body is not valid JSON.") from None
    try:
        report = ReportIn.model_validate(value)
    except ModelError as error:
        raise ValidationError("The report is not as it should be.", _problems(error)) from None
    numbers = [one.seq for one in report.observations]
    if any(after <= before for before, after in itertools.pairwise(numbers)):
        raise ValidationError("The seq of the observations must ascend, each one once.")
    return report


def judge(given: ReportIn, vps_id: str, received_at: float, oldest: float) -> Report:
    """Looks at each reading of a report that came at ``received_at``. ``oldest``: how many
    seconds back a reading is still wanted."""
    ahead = given.sent_at - received_at
    skew = ahead if ahead > SKEW or ahead < -WAITED else 0.0
    extra = {"clockSkew": round(skew, 1)} if skew else {}
    readings, rejected = [], []
    for one in given.observations:
        at = one.at - skew
        fault = _wrong_time(at, received_at, oldest) or _wrong_value(one.metrics)
        if fault:
            rejected.append((one.seq, fault))
            continue
        metrics = {name: float(v) for name, v in one.metrics.items() if name in _UNITS}
        facts = {**_facts(one.facts), **extra}
        error = None if one.error is None else line(one.error) or "the reading failed"
        readings.append((one.seq, Observation(vps_id, at, metrics, facts=facts, error=error)))
    return Report(
        vps_id=vps_id,
        stream=given.stream,
        agent=line(given.agent)[:100],
        allows=tuple(line(entry)[:300] for entry in given.allows),
        received_at=received_at,
        skew=skew,
        readings=tuple(readings),
        highest=given.observations[-1].seq if given.observations else 0,
        rejected=tuple(rejected),
    )


def line(text: str) -> str:
    """One printable line that every database stores."""
    return "".join(c if c.isprintable() else " " for c in text[:LONGEST_TEXT]).strip()


def _wrong_time(at: float, now: float, oldest: float) -> str | None:
    if not math.isfinite(at):
        return "its time is not a number"
    if at > now + AHEAD:
        return f"it lies {span(at - now)} in the future; set this machine's clock"
    if at < now - oldest:
        return f"it is {span(now - at)} old; readings are taken for {span(oldest)}"
    return None


def _wrong_value(metrics: Mapping[str, Any]) -> str | None:
    """Why a reading cannot be believed. Metrics that we do not know are not looked at."""
    for name, value in metrics.items():
        unit = _UNITS.get(name)
        if unit is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{name} is not a number"
        if not -ABSURD <= value <= ABSURD:  # neither is NaN
            return f"{name} is not a number that a machine can have"
        if value < 0:
            return f"{name} is negative"
        if unit == "%" and value > 100:
            return f"{name} is more than 100 %"
    return None


def _facts(facts: Mapping[str, Any]) -> dict[str, str | int | float]:
    kept: dict[str, str | int | float] = {}
    for name, value in facts.items():
        name = line(name)[:100]
        if len(kept) >= MOST_FACTS or not name or name == "clockSkew":
            continue
        if isinstance(value, str):
            kept[name] = line(value)
        elif type(value) in (int, float) and -ABSURD <= value <= ABSURD:
            kept[name] = value
    return kept


def _problems(error: ModelError) -> Sequence[dict[str, str]]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        {"field": line(".".join(map(str, item["loc"])))[:200], "problem": item["msg"]}
        for item in found[:10]
    ]
