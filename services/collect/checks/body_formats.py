"""The health reports that services speak, read into one form.

Our specification's, Spring Boot Actuator's (``components``, before 2.2 ``details``), the draft of
application/health+json (``checks`` as ``component:measure``, each a list of readings), ASP.NET's
(``entries`` or ``results``), and what looks like them. Pure, and safe with anything JSON can hold.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from services.collect.checks.failures import printable
from services.observation import Status, worst

#: More dependencies than this in one body are a mistake or an attack.
MOST_PARTS = 50
LONGEST_NAME = 64
_LONGEST_REASON = 80

_WORDS: Mapping[str, Status] = {
    word: status
    for status, words in {
        Status.HEALTHY: "ok okay up pass passing passed healthy green alive live ready running"
        " success available operational online connected",
        Status.DEGRADED: "degraded warn warning partial yellow impaired slow",
        Status.UNHEALTHY: "error down fail failed failing failure unhealthy red critical dead"
        " unavailable stopped offline disconnected out_of_service outage",
        Status.UNKNOWN: "unknown disabled skipped n/a not_configured",
    }.items()
    for word in words.split()
}

#: The names under which a body lists its dependencies; the first is our specification's.
_PART_FIELDS = (
    "services", "checks", "components", "dependencies", "entries", "results", "details",
)  # fmt: skip

#: How ASP.NET writes a status as a number.
_NUMBERED = (Status.UNHEALTHY, Status.DEGRADED, Status.HEALTHY)
_NUMBERED_FIELDS = frozenset({"entries", "results"})

#: Where a part says what is wrong with it; Spring says it one level down, in ``details``.
_REASON_FIELDS = ("error", "output", "exception", "description", "message", "reason")

_SECONDS: Mapping[str, float] = {"s": 1, "sec": 1, "seconds": 1, "ms": 0.001, "min": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Report:
    """``status`` is None when ``word`` is none we know. ``parts`` maps the slugs of the first
    dependencies to their statuses, ``reasons`` those that say why they are not well to what they
    say; ``count`` is how many are listed, ``uptime_s`` in seconds."""

    status: Status | None
    word: Any
    parts: Mapping[str, Status]
    reasons: Mapping[str, str]
    count: int
    uptime_s: float | None


def read(report: Mapping[str, Any]) -> Report:
    """What a JSON object says as a health report."""
    where = next((name for name in _PART_FIELDS if _lists_parts(name, report.get(name))), "")
    listed = report[where] if where else {}
    numbered = where in _NUMBERED_FIELDS
    parts: dict[str, Status] = {}
    reasons: dict[str, str] = {}
    for name, value in _pairs(listed):
        slug = _slug(name[:1000])
        # The first ones and not the worst ones: every part becomes a target of its own, and
        # a choice by status would bring new ones at every look.
        if slug not in parts and len(parts) >= MOST_PARTS:
            continue
        state = _part_status(value, numbered)
        if state is None:
            continue
        # Two names that come to the same slug become one with the worse status.
        parts[slug] = worst([state, *([parts[slug]] if slug in parts else [])])
        if state in (Status.UNHEALTHY, Status.DEGRADED) and (reason := _reason(value)):
            reasons.setdefault(slug, reason)
    word = report.get("status")
    return Report(
        _known(word, numbered),
        word,
        parts,
        reasons,
        len(listed),
        _uptime(report, listed),
    )


def _lists_parts(name: str, value: Any) -> bool:
    if name == "details":  # anybody's word; Spring's holds nothing but reports
        return isinstance(value, dict) and all(
            isinstance(part, dict) and "status" in part for part in value.values()
        )
    return isinstance(value, dict | list)


def status_of(word: Any) -> Status | None:
    """The status that a report's word stands for; None when it is none we know."""
    if isinstance(word, bool):
        return Status.HEALTHY if word else Status.UNHEALTHY
    if isinstance(word, int):  # some frameworks put the HTTP status there
        return (Status.HEALTHY if word < 400 else Status.UNHEALTHY) if 200 <= word < 600 else None
    if not isinstance(word, str) or len(word) > LONGEST_NAME:
        return None
    return _WORDS.get(word.strip().lower())


def _pairs(listed: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    """The dependencies by name. Several measures of one component are one dependency."""
    if isinstance(listed, dict):
        for name, value in listed.items():
            yield (name.partition(":")[0] or name if isinstance(value, list) else name), value
        return
    for entry in listed:
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            yield entry["name"], entry


def _part_status(value: Any, numbered: bool) -> Status | None:
    """None of readings that judge nothing: health+json lists them for information."""
    if isinstance(value, list):
        said = [
            _part_status(reading, numbered)
            for reading in value
            if isinstance(reading, dict) and reading.get("status") is not None
        ]
        return worst(filter(None, said)) if said else None
    word = value.get("status") if isinstance(value, dict) else value
    if word is None:
        return Status.UNKNOWN
    return _known(word, numbered) or Status.DEGRADED


def _known(word: Any, numbered: bool) -> Status | None:
    if numbered and isinstance(word, int) and not isinstance(word, bool):
        return _NUMBERED[word] if 0 <= word < len(_NUMBERED) else None
    return status_of(word)


def _reason(value: Any) -> str:
    """What a part says is wrong with it, in its own words; nothing when it says none."""
    if isinstance(value, list):
        return next(filter(None, map(_reason, value[:MOST_PARTS])), "")
    if not isinstance(value, dict):
        return ""
    details = value.get("details")
    for source in (value, details if isinstance(details, dict) else {}):
        for name in _REASON_FIELDS:
            if isinstance(text := source.get(name), str) and text.strip():
                return printable(text, _LONGEST_REASON)
    return ""


def _uptime(report: Mapping[str, Any], listed: dict[str, Any] | list[Any]) -> float | None:
    """Seconds: a field of its own, or in health+json a reading."""
    if (own := _seconds(report.get("uptime"))) is not None:
        return own
    readings = listed.get("uptime") if isinstance(listed, dict) else None
    for reading in readings[:1] if isinstance(readings, list) else ():
        unit = reading.get("observedUnit", "s") if isinstance(reading, dict) else None
        if isinstance(unit, str) and unit in _SECONDS:
            value = _seconds(reading.get("observedValue"))
            return None if value is None else value * _SECONDS[unit]
    return None


def _seconds(value: Any) -> float | None:
    """A number, when it is one that a running service could have."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # 1e10 s are three centuries; the comparison is also safe for NaN and integers of any size.
    return float(value) if 0 <= value <= 1e10 and math.isfinite(value) else None


@lru_cache(maxsize=4096)
def _slug(name: str) -> str:
    """A name as ids are written: ``[a-z0-9][a-z0-9._-]*``, at most 64 characters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9._-]+", "-", plain).lstrip("._-")
    return slug[:LONGEST_NAME].rstrip("-") or "part"
