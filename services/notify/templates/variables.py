"""What a template may speak of: the alert, its times where the reader is, and where to look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from services.times import span

#: Each variable and what it means. A name ending in ``.*`` stands for each moment of an alert.
VARIABLES: tuple[tuple[str, str], ...] = (
    ("event", "what happened: alert.fired, alert.escalated, ... or test"),
    ("contact.name", "who the message goes to"),
    ("contact.timeZone", "the time zone in which that contact reads times"),
    ("alert.title", "what is wrong, in one line"),
    ("alert.message", "what was seen"),
    ("alert.severity", "info, warning or critical"),
    ("alert.status", "active, acknowledged, snoozed or resolved"),
    ("alert.vpsId", "the server"),
    ("alert.serviceName", "the service"),
    ("alert.tenantId", "the tenant, where the rule watches one"),
    ("alert.hurts", "the tenants that are hurt, in words: ACME Corp, Globex and 3 more"),
    ("alert.tenants", "their names, a list"),
    ("alert.impact.tenants", "their ids, a list"),
    ("alert.lasted", "from its beginning to its end, or until now: 12 min"),
    ("alert.times.*.both", "a moment where the reader is, UTC beside it"),
    ("alert.times.*.local", "the same without UTC: Thu 20 Nov 02:14 CET"),
    ("alert.times.*.clock", "the time of the day alone: 02:14 CET"),
    ("alert.times.*.utc", "the same moment in UTC"),
    ("alert.links.alert", "the alert's page; empty while Healthdeck does not know its own address"),
    ("alert.links.vps", "the server's page"),
    ("alert.links.runbook", "what to do: the runbook of the rule"),
    ("alert.value", "what was measured: a number, or a word such as unhealthy"),
    ("alert.threshold", "what it was compared with"),
    ("alert.expected", "what an anomaly's detector expected: value, lower, upper"),
    ("alert.acknowledgedBy", "who is on it"),
    ("alert.resolvedBy", "who ended it; empty when it ended by itself"),
    ("alert.resolution", "how it ended"),
    ("alert.occurrences", "how often it began, reopenings included"),
    ("alert.flapping", "whether it comes and goes"),
    ("alert.cameAndWent", "in a digest: whether it tells of its beginning and its end at once"),
    ("alert.escalationLevel", "how often it was passed on because nobody took it on"),
    ("alert.ruleName", "the rule"),
    ("alert.ruleId", "its id"),
    ("alert.ruleVersion", "its version"),
    ("alert.id", "the id of the alert"),
    ("alert.fingerprint", "the same for each alert of this rule and target"),
    ("alert.suppressedBy", "what explains it"),
    ("alert.withheld", "why nobody was told of it"),
    ("alert.falsePositive", "whether an operator said that there was no trouble"),
    ("alert.triggeredAt", "when it began, as the API writes it; likewise firedAt and the others"),
    ("alert.firedAt", "the latest beginning"),
    ("alert.acknowledgedAt", "when somebody took it on"),
    ("alert.snoozedUntil", "until when nobody is told"),
    ("alert.resolvedAt", "when it ended"),
    ("alerts", "all alerts of the message, each as alert is; a digest has many, others one"),
    ("count", "how many alerts that are"),
    ("counts.critical", "how many of them are not over and critical"),
    ("counts.warning", "how many are not over and warnings"),
    ("counts.info", "how many are not over and for information"),
    ("counts.resolved", "how many are over"),
    ("counts.cameAndWent", "how many of those that are over came and went"),
)
#: The moments of an alert, by the names of its body.
MOMENTS = {
    "triggered": "triggeredAt",
    "fired": "firedAt",
    "acknowledged": "acknowledgedAt",
    "snoozedUntil": "snoozedUntil",
    "resolved": "resolvedAt",
}
#: The fields of an alert's body, as they are.
FIELDS = tuple(
    name.removeprefix("alert.")
    for name, _ in VARIABLES
    if name.startswith("alert.")
    and name.count(".") == 1
    and name not in ("alert.hurts", "alert.tenants", "alert.lasted", "alert.cameAndWent")
)
#: What is a text in every message, whatever its body lacks.
_ALWAYS = {"title": "An alert", "message": "", "severity": "info", "status": "active"}
#: Characters of one text; what a check answered can be long.
LONGEST_TEXT = 2000
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a message needs to know beside the alert. ``base_url``: where this installation is
    reached, without a slash at the end; empty when nobody said. ``zone_of``: the IANA time zone
    of a recipient, None for UTC. ``tenant_name`` and ``runbook_of`` take ids."""

    base_url: str = ""
    zone_of: Callable[[str], str | None] = lambda recipient: None
    tenant_name: Callable[[str], str] = str
    runbook_of: Callable[[str], str | None] = lambda rule_id: None


def context(
    event: str, body: Mapping[str, Any], recipient: str, around: Surroundings, now: float
) -> dict[str, Any]:
    """The variables of one message: text, numbers, lists and mappings only.

    ``body`` is an alert as ``services.notify.body`` writes it, or anything that has some of its
    fields; with ``alerts``, a list of such, it is a digest.
    """
    name = around.zone_of(recipient)
    zone = _zone(name)
    listed = body.get("alerts")
    many = listed if isinstance(listed, list) else []
    bodies = [one for one in many if isinstance(one, Mapping)] or [body]
    alerts = [_alert(one, around, zone, now) for one in bodies]
    standing = [str(alert["severity"]) for alert in alerts if alert["status"] != "resolved"]
    severities = Counter(standing)
    return {
        "event": event,
        "contact": {"name": _text(recipient), "timeZone": str(zone)},
        "alert": alerts[0],
        "alerts": alerts,
        "count": len(alerts),
        "counts": {
            **{severity: severities[severity] for severity in _SEVERITIES},
            "resolved": len(alerts) - len(standing),
            "cameAndWent": sum(alert["cameAndWent"] for alert in alerts),
        },
    }


def shape(value: Any) -> Any:
    """What can be read of a value, as ``names.misnamed`` wants to know it. ``expected`` is not
    known further: it is not always there."""
    if isinstance(value, Mapping):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else [None]
    return None


def _alert(
    body: Mapping[str, Any], around: Surroundings, zone: tzinfo, now: float
) -> dict[str, Any]:
    alert = {name: _text(body.get(name)) for name in FIELDS}
    alert |= {name: str(alert[name] or text) for name, text in _ALWAYS.items()}
    impact = body.get("impact")
    ids = [str(id_) for id_ in impact.get("tenants") or ()] if isinstance(impact, Mapping) else []
    tenants = [_text(around.tenant_name(id_)) for id_ in ids]
    moments = {name: _moment(body.get(field)) for name, field in MOMENTS.items()}
    began, ended = moments["triggered"], moments["resolved"]
    until = ended.timestamp() if ended else now
    return alert | {
        "impact": {"tenants": ids},
        "tenants": tenants,
        "hurts": _some_of(tenants),
        "cameAndWent": body.get("cameAndWent") is True,
        "lasted": span(until - began.timestamp()) if began else "",
        "times": {name: at and _told(at, zone) for name, at in moments.items()},
        "links": _links(body, around),
    }


def _links(body: Mapping[str, Any], around: Surroundings) -> dict[str, str]:
    pages = {"alert": ("alerts?alert=", body.get("id")), "vps": ("vps/", body.get("vpsId"))}
    links = {
        name: f"{around.base_url}/health/{page}{quote(str(id_))}" if around.base_url and id_ else ""
        for name, (page, id_) in pages.items()
    }
    rule_id = body.get("ruleId")
    runbook = body.get("runbookUrl") or (rule_id and around.runbook_of(str(rule_id)))
    return links | {"runbook": _text(str(runbook or ""))}


def _told(at: datetime, zone: tzinfo) -> dict[str, str]:
    """``Thu 20 Nov 00:14 CET (Wed 23:14 UTC)``, and its parts."""
    here, there = at.astimezone(zone), at.astimezone(UTC)
    clock = f"{here:%H:%M} {here.tzname()}"
    local = f"{_day(here)} {clock}"
    utc = f"{_day(there)} {there:%H:%M} UTC"
    if local == utc:
        return {"local": local, "utc": utc, "both": local, "clock": clock}
    beside = f"{there:%H:%M} UTC"
    if here.date() != there.date():
        beside = f"{_DAYS[there.weekday()]} {beside}"
    return {"local": local, "utc": utc, "both": f"{local} ({beside})", "clock": clock}


def _day(at: datetime) -> str:
    return f"{_DAYS[at.weekday()]} {at.day} {_MONTHS[at.month - 1]}"


def _moment(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


def _zone(name: str | None) -> tzinfo:
    """A zone that is not there any more must not keep a message back."""
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, LookupError):
        return ZoneInfo("UTC")


def _some_of(names: Sequence[str]) -> str:
    if len(names) <= 1:
        return "".join(names)
    if len(names) == 2:
        return " and ".join(names)
    more = len(names) - 2
    return f"{names[0]}, {names[1]} and {more} more"


def _text(value: Any) -> Any:
    """Texts with an end, lists with elements that have one; numbers and None as they are."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else f"{value[: LONGEST_TEXT - 3]}..."
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, Mapping):
        return {str(name): _text(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_text(inner) for inner in value]
    return _text(str(value))
