"""One alert in full: evidence, what happened, who was told, and why or why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.alerts import AlertRow
from models.database import Database
from models.incidents import IncidentAlert
from models.notifications import NotificationRow
from services.history.series import history
from services.history.stored import Retention
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.notify.listing import Wanted, listed
from services.notify.retry import Reason
from services.rule import Rule, Threshold
from services.times import span
from services.views.alert_model import Course, Detail, Sent, Step
from services.views.model import Body

#: Messages of one alert that are shown.
MESSAGES = 200
#: Seconds before and after an alert that its chart shows, and how long it may be altogether.
BEFORE, AFTER, LONGEST = 3600.0, 1800.0, 7 * 86400.0
POINTS = 240
_CHANNELS = {"email": "e-mail", "sms": "SMS", "inApp": "the dashboard", "apprise": "chat"}


def detail(
    database: Database,
    fleet: Fleet,
    rule: Rule | None,
    body: Body,
    decisions: Sequence[Step],
    scope: Scope,
    now: float,
    may_resend: bool,
) -> Detail:
    """``body`` is what the reader says of the alert, ``decisions`` its trace."""
    with database.read() as session:
        page = listed(session, Wanted(alert_id=body["id"]), MESSAGES)
        messages = [_sent(row, scope) for row in reversed(page.rows)]
        member = session.get(IncidentAlert, body["id"])
        row = session.get(AlertRow, body["id"])
        target = row.target if row else ""
        course = _course(session, rule, body, target, now)
    vps_id = body["vpsId"]
    return Detail(
        body=body,
        target=fleet.label(target),
        server=(vps_id, fleet.vps[vps_id].label) if vps_id in fleet.vps else None,
        facts=_facts(body, rule, fleet),
        impact=tuple(
            (one, fleet.tenants[one].label if one in fleet.tenants else one)
            for one in body["impact"]["tenants"]
        ),
        runbook=rule.runbook_url if rule else None,
        why=tuple(_why(body, messages, fleet)),
        decisions=tuple(decisions),
        messages=tuple(messages),
        incident=member.incident_id if member else None,
        course=course,
        may_resend=may_resend,
    )


def moment_of(text: str | None) -> float | None:
    """Seconds since the epoch of a moment as the API has it."""
    return None if text is None else datetime.fromisoformat(text).timestamp()


def _sent(row: NotificationRow, scope: Scope) -> Sent:
    guarded = scope is not None and row.reason == Reason.BATCHED
    return Sent(
        row.id,
        row.channel,
        row.recipient,
        row.event,
        row.status,
        row.reason.replace("_", " "),
        "" if guarded else row.detail,
        row.sent_at or row.created_at,
        row.resent_from is not None,
    )


def _why(body: Body, messages: Sequence[Sent], fleet: Fleet) -> list[str]:
    """Who knows of it and who does not, and why."""
    said = []
    if body["suppressedBy"]:
        said.append(
            f"Nobody is told of it by itself: {fleet.label(body['suppressedBy'])} explains it."
        )
    if body["withheld"]:
        said.append(f"Nobody is told at the moment: {body['withheld']}.")
    said += map(_of_message, messages)
    if not said:
        said.append("Nobody is to be told: its rule names no channel that is set up.")
    return list(dict.fromkeys(said))


def _of_message(one: Sent) -> str:
    about = one.event.removeprefix("alert.")
    whom = one.recipient if one.channel != "inApp" else "Everybody"
    how = f"{whom} by {_CHANNELS.get(one.channel, one.channel)}"
    because = one.detail or one.reason
    if one.status in ("sent", "delivered"):
        return f"Told ({about}): {how}."
    if one.status in ("queued", "sending"):
        return f"Still to be told ({about}): {how}: {because.removesuffix('.')}."
    return f"Not told ({about}): {how}, {one.status}: {because.removesuffix('.')}."


def _facts(body: Body, rule: Rule | None, fleet: Fleet) -> tuple[tuple[str, str], ...]:
    unit = rule.condition.reads.unit if rule else ""
    usual = body["expected"] or {}
    tenant = fleet.tenants.get(body["tenantId"] or "")
    facts = [
        ("Service", body["serviceName"] or ""),
        ("Tenant", tenant.label if tenant else body["tenantId"] or ""),
        ("Metric", rule.condition.reads.label if rule else ""),
        ("Measured", _amount(body["value"], unit)),
        ("Limit", _amount(body["threshold"], unit)),
        ("Usual", _usual(usual, unit)),
        ("Held for", span(rule.condition.duration) if rule and rule.condition.duration else ""),
        ("Occurrences", str(body["occurrences"]) if body["occurrences"] > 1 else ""),
        ("Escalation", f"step {body['escalationLevel']}" if body["escalationLevel"] else ""),
        ("Note at the end", body["resolution"] or ""),
        ("False positive", {True: "yes", False: "no"}.get(body["falsePositive"], "")),
    ]
    return tuple((name, words) for name, words in facts if words)


def _usual(expected: Mapping[str, Any], unit: str) -> str:
    low, high = expected.get("lower"), expected.get("upper")
    if low is None or high is None:
        return _amount(expected.get("value"), unit)
    return f"{low:.4g} to {_amount(high, unit)}"


def _amount(value: Any, unit: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return f"{value:.4g}\u00a0{unit}".rstrip("\u00a0")


def _course(
    session: Session, rule: Rule | None, body: Body, target: str, now: float
) -> Course | None:
    """What the rule's metric did; None where it has no numbers that are remembered."""
    if rule is None or rule.condition.reads.states or not rule.condition.reads.remembered:
        return None
    metric = rule.condition.reads
    fired, ended = moment_of(body["triggeredAt"]) or now, moment_of(body["resolvedAt"])
    end = min(now, (ended or now) + AFTER)
    start = max(fired - BEFORE, end - LONGEST)
    (series,) = history(session, [target], metric.name, start, end, POINTS, now, Retention())
    condition = rule.condition
    limit = condition.value if isinstance(condition, Threshold) else None
    return Course(
        metric.label,
        metric.unit,
        tuple(float(at) for at in series.at),
        tuple(series.value),
        float(limit) if isinstance(limit, int | float) else None,
        start,
        end,
        fired,
        ended,
    )
