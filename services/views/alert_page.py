"""The page of alerts: a list of them, active or over, with what an operator decides by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from models.alerts import AlertRow
from models.database import Database
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.notify import outbox
from services.rule import Rule
from services.views.alert_detail import moment_of
from services.views.alert_lists import SEVERITIES, WORST, AlertFilter
from services.views.alert_model import AlertsPage, Row
from services.views.alerts import told_sentence
from services.views.model import Body
from services.views.reader import Reader

LIVE_TABS = ("active", "history")
RANGES = {"24h": 86400.0, "7d": 7 * 86400.0, "30d": 30 * 86400.0, "90d": 90 * 86400.0}
STANDING = ("active", "acknowledged", "snoozed")
SORTS = (WORST, "-severity", "-triggeredAt", "triggeredAt", "-resolvedAt", "-duration")
#: Alerts that one page of a list has, and that a list has at most.
PAGE, MOST = 50, 500
#: Characters of a value in the address.
_LONGEST = 200


def clean(query: Mapping[str, Any]) -> dict[str, str]:
    """The words of an address; of what stands there several times the last."""
    found = {}
    for name, value in query.items():
        text = value[-1] if isinstance(value, list) and value else value
        if isinstance(text, str) and text.strip():
            found[name] = text.strip()[:_LONGEST]
    tab = found.get("tab", "active")
    return {**found, "tab": tab if tab in LIVE_TABS else "active"}


def wanted(query: Mapping[str, str], now: float) -> AlertFilter:
    """The filter of a cleaned address; what is no such word in it counts as left out."""
    over = query["tab"] == "history"
    sort = query.get("sort", "")
    length = RANGES.get(query.get("range", "7d")) if over else None
    status = tuple(one for one in _several(query, "status") if one in STANDING)
    return AlertFilter(
        status=("resolved",) if over else status,
        severity=tuple(one for one in _several(query, "severity") if one in SEVERITIES),
        q=query.get("q", ""),
        false_positive=True if over and query.get("fp") == "1" else None,
        since=now - length if length else None,
        sort=sort if sort in SORTS else "-resolvedAt" if over else WORST,
        rule=_several(query, "rule"),
        vps=_several(query, "vps"),
        service=_several(query, "service"),
        tenant=_several(query, "tenant"),
    )


def shown(query: Mapping[str, str]) -> int:
    """How many alerts of a list are shown."""
    pages = query.get("pages", "1")
    return min(MOST, PAGE * max(1, int(pages))) if pages.isascii() and pages.isdigit() else PAGE


def alerts_page(
    reader: Reader,
    database: Database,
    rules: Mapping[str, Rule],
    scope: Scope,
    query: Mapping[str, Any],
    now: float,
    interval: float,
) -> AlertsPage:
    """The list that an address asks for. The drawer's content is put in by whoever may ask for
    it (``dataclasses.replace``)."""
    asked, fleet = clean(query), reader.fleet()
    found = reader.alerts(scope, wanted(asked, now), shown(asked))
    visible = fleet.visible_vps(scope)
    return AlertsPage(
        tab=asked["tab"],
        query=asked,
        rows=rows(database, fleet, rules, found.rows, scope),
        total=found.total,
        more=found.last is not None,
        servers=tuple((id_, spec.label) for id_, spec in fleet.vps.items() if id_ in visible),
        tenants=tuple(
            (id_, spec.label)
            for id_, spec in fleet.tenants.items()
            if scope is None or id_ in scope
        ),
        interval=interval,
        names={id_: spec.label for id_, spec in fleet.tenants.items()},
    )


def rows(
    database: Database,
    fleet: Fleet,
    rules: Mapping[str, Rule],
    bodies: Sequence[Body],
    scope: Scope,
) -> tuple[Row, ...]:
    """Alerts as the API has them, with who was told and what comes next."""
    ids = [body["id"] for body in bodies]
    chosen = select(AlertRow.id, AlertRow.target, AlertRow.told_at).where(AlertRow.id.in_(ids))
    with database.read() as session:
        known = {id_: (target, at) for id_, target, at in session.execute(chosen)}
        told = outbox.told(session, ids)
    found = []
    for body in bodies:
        target, told_at = known.get(body["id"], (body["vpsId"] or "", None))
        at, whom = _next(body, rules.get(body["ruleId"]), told_at)
        found.append(
            Row(
                id=body["id"],
                severity=body["severity"],
                status=body["status"],
                title=body["title"],
                target=fleet.label(target),
                triggered_at=moment_of(body["triggeredAt"]) or 0.0,
                resolved_at=moment_of(body["resolvedAt"]),
                snoozed_until=moment_of(body["snoozedUntil"]),
                occurrences=body["occurrences"],
                flapping=body["flapping"],
                suppressed_by=fleet.label(by) if (by := body["suppressedBy"]) else "",
                impact=tuple(
                    fleet.tenants[one].label if one in fleet.tenants else one
                    for one in body["impact"]["tenants"]
                ),
                handled=handled(body),
                told=_told(body, told_sentence(told.get(body["id"], ()))),
                next_at=at,
                next_whom=whom if scope is None else "",
            )
        )
    return tuple(found)


def handled(body: Mapping[str, Any]) -> str:
    """Who has an alert, or how it ended; empty while nobody has it."""
    if body["status"] == "resolved":
        by = f" by {body['resolvedBy']}" if body["resolvedBy"] else " by itself"
        false = ", a false positive" if body["falsePositive"] else ""
        return f"resolved{by}{false}"
    if body["acknowledgedBy"]:
        return f"{body['acknowledgedBy']} has it"
    return ""


def _told(body: Mapping[str, Any], sentence: str) -> str:
    if body["withheld"] and sentence == "Nobody is to be told":
        return f"Nobody is told: {body['withheld'].partition(': ')[2] or body['withheld']}"
    if body["status"] == "resolved" and sentence == "Nobody is to be told":
        return "nobody was told"
    return sentence


def _next(body: Body, rule: Rule | None, told_at: float | None) -> tuple[float | None, str]:
    """When the next step of the escalation is due, and whom it tells."""
    level = body["escalationLevel"]
    waits = body["status"] == "active" and told_at is not None and not body["withheld"]
    if rule is None or not waits or told_at is None or level >= len(rule.steps):
        return None, ""
    step = rule.steps[level]
    return told_at + step.after, ", ".join(step.recipients) or "all contacts"


def _several(query: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(one for part in query.get(name, "").split(",") if (one := part.strip()))[:50]
