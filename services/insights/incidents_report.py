"""What is known of an incident, as the beginning of a post-mortem in Markdown. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.times import span

#: What Markdown or HTML would take for something else.
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|])")
#: Events of a timeline that somebody did.
_ACTS = ("action", "deployment", "acknowledged", "snoozed", "resolved")
_STEPS = {
    "toTold": "until somebody was told",
    "toAcknowledged": "until somebody took it on",
    "toResolved": "until it was over",
}


def report(
    body: Mapping[str, Any],
    minutes: Mapping[str, float],
    names: Mapping[str, str],
    zone: ZoneInfo,
    now: float,
) -> str:
    """``body`` is an incident as the API gives it, ``minutes`` the minutes of each tenant's impact,
    ``names`` what tenants are called, ``now`` seconds since the epoch."""
    parts = [
        f"# Post-mortem: {_plain(body['title'])}",
        _summary(body, zone),
        _impact(minutes, names),
        _timeline(body, zone),
        _done(body),
        "## Causes\n\n",
        "## Follow-ups\n\n- [ ] ",
        f"Incident {body['id']}, written by Healthdeck at {_utc(now)} UTC.",
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _summary(body: Mapping[str, Any], zone: ZoneInfo) -> str:
    lines = [
        f"- Severity: {body['severity']}; status: {body['status']}",
        f"- Alerts: {body['alertCount']}",
        f"- Began: {_both(body['startedAt'], zone)}",
        f"- Over: {_both(body['resolvedAt'], zone) if body['resolvedAt'] else 'not yet'}",
    ]
    if body["rootTarget"]:
        lines.insert(0, f"- Root: {_plain(body['rootTarget'])}")
    for name, words in _STEPS.items():
        took = body["durations"][name]
        lines.append(f"- {words.capitalize()}: {span(took) if took is not None else 'never'}")
    return "## Summary\n\n" + "\n".join(lines)


def _impact(minutes: Mapping[str, float], names: Mapping[str, str]) -> str:
    if not minutes:
        return "## Impact\n\nNo tenant was reached."
    rows = "\n".join(
        f"| {_plain(names.get(tenant, tenant))} | {_plain(tenant)} | {time:g} |"
        for tenant, time in minutes.items()
    )
    said = "Minutes in which an alert of this incident reached the tenant."
    return f"## Impact\n\n{said}\n\n| Tenant | Id | Minutes |\n| --- | --- | ---: |\n{rows}"


def _timeline(body: Mapping[str, Any], zone: ZoneInfo) -> str:
    local = f" {_plain(zone.key)} |" if zone.key != "UTC" else ""
    rule = " --- |" if local else ""
    rows = [
        f"| {_utc_of(entry['at'])} |{_local(entry['at'], zone) if local else ''}"
        f" {entry['event']} | {_plain(entry['text'])} | {_plain(entry['by'] or '')} |"
        for entry in body["timeline"]
    ]
    head = f"| UTC |{local} Event | What | Who |\n| --- |{rule} --- | --- | --- |"
    return "## Timeline\n\n" + "\n".join([head, *rows])


def _done(body: Mapping[str, Any]) -> str:
    acts = [
        f"- {_utc_of(entry['at'])} UTC: {entry['event']} by {_plain(entry['by'])}: "
        f"{_plain(entry['text'])}"
        for entry in body["timeline"]
        if entry["event"] in _ACTS and entry["by"]
    ]
    acts += [
        f"- {_utc_of(note['at'])} UTC, note by {_plain(note['who'])}: {_plain(note['text'])}"
        for note in body["notes"]
    ]
    return "## What was done\n\n" + ("\n".join(acts) or "Nothing that Healthdeck knows of.")


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _moment(at: str) -> datetime:
    return datetime.fromisoformat(at)


def _utc_of(at: str) -> str:
    return _utc(_moment(at).timestamp())


def _utc(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def _local(at: str, zone: ZoneInfo) -> str:
    return f" {_moment(at).astimezone(zone):%Y-%m-%d %H:%M:%S} |"


def _both(at: str, zone: ZoneInfo) -> str:
    there = f" ({_moment(at).astimezone(zone):%Y-%m-%d %H:%M:%S} {_plain(zone.key)})"
    return f"{_utc_of(at)} UTC{there if zone.key != 'UTC' else ''}"
