"""What an HTTP answer says about a service. Pure: bytes in, verdict out, never an exception."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from services.observation import Status, worst

#: Last segments of a path under which services report their health.
HEALTH_PATHS = frozenset(
    {"health", "healthz", "healthcheck", "live", "ready", "readyz", "livez", "status", "actuator"}
)

#: More dependencies than this in one body are a mistake or an attack.
MOST_PARTS = 50
LONGEST_NAME = 64

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
_PART_FIELDS = ("services", "checks", "components", "dependencies")

#: Successes that come without a body.
_EMPTY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT})

_EXPLAINED = {
    401: "needs a login (401)",
    403: "refuses us entry (403)",
    404: "has no such page (404); is the path right?",
    405: "does not take GET requests (405); is the path right?",
    407: "is behind a proxy that needs a login (407)",
    410: "says that the page is gone for good (410)",
    429: "refuses so many requests (429)",
    500: "failed inside (500)",
    502: "got no proper answer from the server behind its proxy (502)",
    503: "says that it is unavailable (503)",
    504: "waited in vain for the server behind its proxy (504)",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``parts`` maps each dependency's slug to its status; ``uptime_s`` in seconds."""

    status: Status
    message: str
    parts: Mapping[str, Status] = field(default_factory=dict)
    uptime_s: float | None = None


def expects_body(path: str) -> bool:
    """Whether the path of an address promises a health report."""
    return path.rstrip("/").rpartition("/")[2].lower() in HEALTH_PATHS


def judge_body(
    status_code: int, content_type: str, body: bytes, truncated: bool, expects_body: bool
) -> Verdict:
    """The verdict over an answer of which ``body`` was read, up to the limit if ``truncated``.

    A health report inside is believed; any other 2xx is healthy, unless a health report was
    expected (see ``expects_body``) and something else came.
    """
    kind = content_type.partition(";")[0].strip().lower()
    report, flaw = _report(kind, body, truncated)
    if not 200 <= status_code < 300:
        return _refused(status_code, report)
    if isinstance(report, dict) and (verdict := _reported(report, expects_body)):
        return verdict
    if expects_body and flaw and status_code not in _EMPTY:
        return Verdict(Status.DEGRADED, flaw)
    if expects_body and isinstance(report, str) and (said := _status(report)):
        return Verdict(said, f"reports {_quote(report)}")
    return Verdict(Status.HEALTHY, f"answered {status_code}")


def _report(kind: str, body: bytes, truncated: bool) -> tuple[Any, str | None]:
    """What the body holds (JSON, or its text), and what is wrong with it as a health report."""
    if truncated:
        return None, "answered more than 1 MiB where a short health report was expected"
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        return None, f"answered something that is not UTF-8 text (byte {error.start})"
    start = text[:200].lower()
    if "html" in kind or start.startswith(("<!doctype html", "<html")):
        named = f" ({_quote(kind)})" if kind else ""
        return None, (
            f"answered a web page{named} where a health report was expected; is the address right?"
        )
    says_json = kind == "application/json" or kind.endswith("+json")
    if not says_json and not start.startswith("{"):
        return text, None
    if not text:
        return None, "said JSON but the answer is empty"
    try:
        return json.loads(text), None
    except json.JSONDecodeError as error:
        if _is_cut(text, error):
            return None, f"said JSON but it breaks off at character {len(text)}"
        return None, f"said JSON but it goes wrong at character {error.pos + 1}"
    except RecursionError:
        return None, "said JSON but it is nested too deeply for a health report"
    except ValueError:  # a number of more digits than Python reads
        return None, "said JSON but it holds a number too long to read"


def _is_cut(text: str, error: json.JSONDecodeError) -> bool:
    rest = text[error.pos :]
    return (
        not rest
        or error.msg.startswith("Unterminated")
        or any(word.startswith(rest) for word in ("true", "false", "null", "-"))
        or (error.msg.startswith("Invalid \\") and len(rest) < 6)
    )


def _reported(report: dict[str, Any], expected: bool) -> Verdict | None:
    """The verdict of a health report; None when the JSON is something else."""
    word = report.get("status")
    said = _status(word)
    parts, count = _parts(report)
    uptime = _uptime(report.get("uptime"))
    more = f"; {count} dependencies listed, {len(parts)} read" if count > MOST_PARTS else ""
    troubles = _troubles(parts)
    if said is None or said is Status.UNKNOWN:
        if word is None and parts and expected:
            # Without a word of its own the service answers, so it is not down as a whole.
            status = Status.DEGRADED if troubles else Status.HEALTHY
            return Verdict(status, (troubles or "all dependencies are well") + more, parts, uptime)
        if word is None or not (expected or parts):
            return None
        text = f"reports the status {_quote(word)}; known are ok, degraded and error"
        return Verdict(Status.DEGRADED, text + more, parts, uptime)
    text = f"reports {_quote(word)}" + (f": {troubles}" if troubles else "")
    return Verdict(said, text + more, parts, uptime)


def _refused(code: int, report: Any) -> Verdict:
    """The verdict over an answer that is no 2xx."""
    if code in _EXPLAINED:
        text = _EXPLAINED[code]
    elif 300 <= code < 400:
        text = f"points elsewhere ({code}) without saying where"
    else:
        try:
            phrase = f"{code} {HTTPStatus(code).phrase}"
        except ValueError:
            phrase = str(code)
        text = f"failed inside ({phrase})" if code >= 500 else f"refused the request ({phrase})"
    if code < 500 or not isinstance(report, dict):
        return Verdict(Status.UNHEALTHY, text)
    parts, _ = _parts(report)
    if troubles := _troubles(parts):
        text = f"{text}: {troubles}"
    return Verdict(Status.UNHEALTHY, text, parts, _uptime(report.get("uptime")))


def _status(word: Any) -> Status | None:
    """The status that a report's word stands for; None when it is none we know."""
    if isinstance(word, bool):
        return Status.HEALTHY if word else Status.UNHEALTHY
    if isinstance(word, int):  # some frameworks put the HTTP status there
        return (Status.HEALTHY if word < 400 else Status.UNHEALTHY) if 200 <= word < 600 else None
    if not isinstance(word, str) or len(word) > LONGEST_NAME:
        return None
    return _WORDS.get(word.strip().lower())


def _parts(report: Mapping[str, Any]) -> tuple[dict[str, Status], int]:
    """The first dependencies of a report, and how many it lists. Two names that come to the
    same slug become one with the worse status."""
    listed: dict[str, Any] | list[Any] = next(
        (report[name] for name in _PART_FIELDS if isinstance(report.get(name), dict | list)), {}
    )
    parts: dict[str, Status] = {}
    for name, state in _pairs(listed):
        slug = _slug(name)
        # The first ones and not the worst ones: every part becomes a target of its own, and
        # a choice by status would bring new ones at every look.
        if slug in parts or len(parts) < MOST_PARTS:
            parts[slug] = worst([state, *([parts[slug]] if slug in parts else [])])
    return parts, len(listed)


def _pairs(listed: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Status]]:
    if isinstance(listed, dict):
        for name, value in listed.items():
            yield name, _part_status(value)
        return
    for entry in listed:
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            yield entry["name"], _part_status(entry)


def _part_status(value: Any) -> Status:
    if isinstance(value, list):  # health+json lists the readings of one component
        return worst(_part_status(entry) for entry in value if isinstance(entry, dict))
    word = value.get("status") if isinstance(value, dict) else value
    if word is None:
        return Status.UNKNOWN
    return _status(word) or Status.DEGRADED


def _troubles(parts: Mapping[str, Status]) -> str:
    """``database is unhealthy, redis is degraded``: the bad parts, the worst first."""
    bad = [
        f"{name} is {status}"
        for status in (Status.UNHEALTHY, Status.DEGRADED)
        for name, found in parts.items()
        if found is status
    ]
    return ", ".join(bad[:5]) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")


def _uptime(value: Any) -> float | None:
    """Seconds, when it is a number that a running service could have."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # 1e10 s are three centuries; the comparison is also safe for NaN and integers of any size.
    return float(value) if 0 <= value <= 1e10 and math.isfinite(value) else None


def _slug(name: str) -> str:
    """A name as ids are written: ``[a-z0-9][a-z0-9._-]*``, at most 64 characters."""
    plain = unicodedata.normalize("NFKD", name[:1000]).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9._-]+", "-", plain).lstrip("._-")
    return slug[:LONGEST_NAME].rstrip("-") or "part"


def _quote(value: Any) -> str:
    """Foreign text for a message: one short line of printable characters."""
    text = str(value)[:200] if isinstance(value, str | bool | float) else type(value).__name__
    text = "".join(sign if sign.isprintable() else "?" for sign in text.strip())
    return text if len(text) <= 40 else text[:39] + "…"
