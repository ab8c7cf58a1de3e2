"""What an HTTP answer says about a service. Pure: bytes in, verdict out, never an exception."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from services.collect.checks import body_formats
from services.collect.checks.body_formats import MOST_PARTS, Report, status_of
from services.collect.checks.failures import printable
from services.observation import Status

#: Last segments of a path under which services report their health.
HEALTH_PATHS = frozenset(
    {
        "health", "healthz", "healthcheck", "health-check", "hc", "live", "ready", "readyz",
        "livez", "liveness", "readiness", "status", "actuator",
    }
)  # fmt: skip

#: ASP.NET's default answer is one of these words and nothing else, believed at any address.
_ASP_NET = frozenset({"Healthy", "Degraded", "Unhealthy"})

#: Successes that come without a body.
_EMPTY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT})

_EXPLAINED = {
    401: "needs a login (401)",
    403: "refuses us entry (403)",
    404: "has no such page (404); is the path right?",
    405: "does not take requests of this method (405); is the path right?",
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
    status_code: int,
    content_type: str,
    body: bytes,
    truncated: bool,
    expects_body: bool,
    accepted: Collection[int] = (),
) -> Verdict:
    """The verdict over an answer of which ``body`` was read, up to the limit if ``truncated``.

    A health report inside is believed; any other 2xx is healthy, unless a health report was
    expected (see ``expects_body``) and something else came. ``accepted`` are the statuses that
    will do instead of 2xx.
    """
    kind = content_type.partition(";")[0].strip().lower()
    report, flaw = _report(kind, body, truncated)
    if status_code not in accepted if accepted else not 200 <= status_code < 300:
        return _refused(status_code, report, accepted)
    if isinstance(report, dict) and (verdict := _reported(report, expects_body)):
        return verdict
    if expects_body and flaw and status_code not in _EMPTY:
        return Verdict(Status.DEGRADED, flaw)
    trusted = expects_body or report in _ASP_NET if isinstance(report, str) else False
    if trusted and (said := status_of(report)):
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


def _reported(answer: dict[str, Any], expected: bool) -> Verdict | None:
    """The verdict of a health report; None when the JSON is something else."""
    report = body_formats.read(answer)
    said, word, parts = report.status, report.word, report.parts
    listed, read = report.count, len(parts)
    more = f"; {listed} dependencies listed, {read} read" if listed > MOST_PARTS else ""
    troubles = _troubles(report)
    if said is None or said is Status.UNKNOWN:
        if word is None and parts and expected:
            # Without a word of its own the service answers, so it is not down as a whole.
            status = Status.DEGRADED if troubles else Status.HEALTHY
            text = (troubles or "all dependencies are well") + more
            return Verdict(status, text, parts, report.uptime_s)
        if word is None or not (expected or parts):
            return None
        text = f"reports the status {_quote(word)}; known are ok, degraded and error"
        return Verdict(Status.DEGRADED, text + more, parts, report.uptime_s)
    text = f"reports {_said(word, said)}" + (f": {troubles}" if troubles else "")
    return Verdict(said, text + more, parts, report.uptime_s)


def _said(word: Any, status: Status) -> str:
    """A report's own word; a bare number says nothing to a reader."""
    return _quote(word) if isinstance(word, str | bool) else str(status)


def _refused(code: int, report: Any, accepted: Collection[int]) -> Verdict:
    """The verdict over an answer that is no 2xx."""
    if accepted and 200 <= code < 300:
        wanted = " or ".join(map(str, accepted))
        return Verdict(Status.UNHEALTHY, f"answered {code} where {wanted} was expected")
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
    said = body_formats.read(report)
    if troubles := _troubles(said):
        text = f"{text}: {troubles}"
    return Verdict(Status.UNHEALTHY, text, said.parts, said.uptime_s)


def _troubles(report: Report) -> str:
    """``database is unhealthy (timeout), redis is degraded``: the bad parts, the worst first."""
    bad = [
        f"{name} is {status}" + (f" ({report.reasons[name]})" if name in report.reasons else "")
        for status in (Status.UNHEALTHY, Status.DEGRADED)
        for name, found in report.parts.items()
        if found is status
    ]
    return ", ".join(bad[:5]) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")


def _quote(value: Any) -> str:
    """Foreign text for a message: one short line of printable characters."""
    return printable(str(value) if isinstance(value, str | bool | float) else _kind(value), 40)


def _kind(value: Any) -> str:
    return type(value).__name__
