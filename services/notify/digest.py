"""What one message says of several. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DIGEST = "alert.digest"
_FIRED = ("alert.fired", "alert.escalated")
_RESOLVED = "alert.resolved"
_SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True)
class Part:
    """One message that goes into a digest."""

    alert_id: str
    event: str
    body: Mapping[str, Any]


def digest_body(parts: Sequence[Part]) -> dict[str, Any]:
    """The body of a digest; ``parts`` in the order in which they happened, one at least.

    ``alerts`` has each alert once, as it was last, with ``event`` (the last), ``events`` (all that
    the digest tells of it) and ``cameAndWent``; the worst first. ``counts`` has the number of
    messages by event, and of alerts that came and went in it.
    """
    histories: dict[str, list[Part]] = {}
    for part in parts:
        histories.setdefault(part.alert_id, []).append(part)
    alerts = sorted((_entry(history) for history in histories.values()), key=_rank)
    happened = Counter(part.event for part in parts)
    passed = sum(alert["cameAndWent"] for alert in alerts)
    open_ = [alert for alert in alerts if alert["event"] != _RESOLVED]
    return {
        "title": _title(alerts, open_, passed),
        "message": "\n".join(_line(alert) for alert in alerts),
        "severity": str(open_[0].get("severity") or "info") if open_ else "info",
        "alerts": alerts,
        "counts": {**happened, "alerts": len(alerts), "cameAndWent": passed},
    }


def _entry(history: Sequence[Part]) -> dict[str, Any]:
    events = [part.event for part in history]
    passed = events[-1] == _RESOLVED and any(event in _FIRED for event in events)
    return {**history[-1].body, "event": events[-1], "events": events, "cameAndWent": passed}


def _rank(alert: Mapping[str, Any]) -> tuple[bool, bool, int]:
    severity = alert.get("severity")
    place = _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)
    return alert["event"] == _RESOLVED, alert["cameAndWent"], place


def _title(
    alerts: Sequence[Mapping[str, Any]], open_: Sequence[Mapping[str, Any]], passed: int
) -> str:
    severities = Counter(str(alert.get("severity") or "info") for alert in open_)
    resolved = len(alerts) - len(open_) - passed
    said = [f"{severities[name]} {name}" for name in _SEVERITIES if severities[name]]
    said += [f"{resolved} resolved"] if resolved else []
    said += [f"{passed} came and went"] if passed else []
    return f"{len(alerts)} {'alert' if len(alerts) == 1 else 'alerts'}: {', '.join(said)}"


def _line(alert: Mapping[str, Any]) -> str:
    word = str(alert.get("severity") or "info").capitalize()
    if alert["cameAndWent"]:
        word = "Came and went"
    elif alert["event"] == _RESOLVED:
        word = "Resolved"
    return f"{word}: {_title_of(alert)}"


def _title_of(alert: Mapping[str, Any]) -> str:
    return " ".join(str(alert.get("title") or alert.get("id") or "").split())
