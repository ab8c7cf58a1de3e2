"""The drawer of the page of alerts: one alert in full, beside the list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dash import html
from dash.development.base_component import Component

from components import charts
from components.alert_page import act_button, address, badges, stay
from components.charts import Chart, Line, Mark
from components.links import inside
from components.marks import moment, tag
from components.states import empty
from services.times import span
from services.views.alert_model import AlertsPage, Course, Detail, Sent, Step

#: What became of an alert, in an operator's words.
EVENTS = {
    "pending": "Condition began to hold",
    "fired": "Fired",
    "reopened": "Fired again",
    "withheld": "Nobody told",
    "released": "May be told",
    "told": "Told",
    "raised": "Severity raised",
    "escalated": "Escalated",
    "reminded": "Reminded",
    "acknowledged": "Acknowledged",
    "snoozed": "Snoozed",
    "unsnoozed": "Snooze ended",
    "resolved": "Resolved",
    "suppressed": "Explained by another",
    "flapping": "Comes and goes",
    "queued": "Message written",
    "sending": "Message under way",
    "sent": "Message sent",
    "delivered": "Message arrived",
    "failed": "Message failed",
    "undeliverable": "No way to tell",
}
WAYS = {"email": "e-mail", "sms": "SMS", "inApp": "dashboard", "apprise": "chat"}


def drawer(view: AlertsPage, parts: list[Component]) -> Component:
    """The drawer, open when the address asks for something. ``parts`` are drawn anew alone."""
    shut = address(view, alert="", incident="")
    icon = html.I(className="icon icon-close", **{"aria-hidden": "true"})
    close = stay(
        icon, shut, className="chip icon-button drawer-close", title="Close (Esc)",
        **{"aria-label": "Close", "data-close": ""},
    )  # fmt: skip
    panel = html.Section(
        [close, *parts],
        className="drawer",
        role="dialog",
        tabIndex=-1,
        **{"aria-modal": "true", "aria-labelledby": "alerts-drawer-title"},
    )
    away = stay("", shut, className="drawer-away", tabIndex=-1, **{"aria-hidden": "true"})
    return html.Div(
        [away, panel],
        id="alerts-drawer",
        className="drawer-host",
        hidden=not view.asked,
        **{"data-drawer": view.asked, "data-testid": "alert-drawer"},
    )


def state(view: AlertsPage) -> Component:
    """The alert's name, how it stands, what can be done, its evidence and whom it hurts."""
    if view.missing:
        what = "incident" if view.query.get("incident") else "alert"
        why = "It may have been deleted, or the address is mistyped."
        title = html.H2(f"There is no such {what}.", id="alerts-drawer-title")
        return html.Div([title, html.P(why, className="aside")], className="drawer-part")
    one = view.chosen
    if one is None:
        return html.Div()
    body = one.body
    head = html.Div(
        [tag(body["severity"]), *badges(body["status"], body["occurrences"], body["flapping"])],
        className="drawer-tags",
    )
    return html.Div(
        [
            head,
            html.H2(body["title"], id="alerts-drawer-title"),
            html.P(_standing(one), className="drawer-standing"),
            html.P(body["message"]),
            html.Div(_acts(one), className="drawer-acts"),
            _evidence(one, view),
        ],
        className="drawer-part",
        **{"data-alert-state": body["status"]},
    )


def course(view: AlertsPage) -> Component:
    """What the rule's metric did around the alert."""
    found = view.chosen.course if view.chosen else None
    if found is None:
        return html.Div()
    if not found.times:
        words = html.P(f"No values of {found.label} are kept from that time.", className="aside")
        return html.Div([html.H3(found.label), words], className="drawer-part")
    label = f"{found.label} from an hour before the alert"
    figure = charts.figure(_chart(found))
    chart = charts.graph("alert-course", figure, label, 170)
    return html.Div([html.H3(found.label), chart], className="drawer-part")


def story(view: AlertsPage) -> Component:
    """Who was told and why, what happened, and each message."""
    one = view.chosen
    if one is None:
        return html.Div()
    timeline = [entry for entry in one.decisions if entry.what not in _OF_MESSAGES]
    parts = [
        _part(
            "Who was told, and why", html.Ul([html.Li(text) for text in one.why], className="why")
        ),
        _part("Timeline", html.Ol([_step(entry) for entry in timeline], className="steps-list")),
        _part("Notifications", _messages(one)),
        _part("Every decision", _trace(one)),
    ]
    return html.Div(parts)


_OF_MESSAGES = frozenset({"queued", "sending", "sent", "delivered", "failed", "undeliverable"})


def _part(title: str, content: Any) -> Component:
    return html.Div([html.H3(title), content], className="drawer-part")


def _standing(one: Detail) -> list[Any]:
    row, body = one, one.body
    began = _at(body["triggeredAt"])
    if body["status"] == "resolved":
        by = f" by {body['resolvedBy']}" if body["resolvedBy"] else ""
        ended = _at(body["resolvedAt"])
        lasted = span(_seconds(body["resolvedAt"]) - _seconds(body["triggeredAt"]))
        return [f"Over{by} ", ended, f", lasted {lasted}; began ", began]
    said: list[Any] = [f"On {row.target}, since ", began]
    if body["acknowledgedBy"]:
        said += [f"; {body['acknowledgedBy']} has it since ", _at(body["acknowledgedAt"])]
    if body["status"] == "snoozed":
        said += ["; silent until ", _at(body["snoozedUntil"])]
    return said


def _acts(one: Detail) -> list[Component]:
    alert_id, status = one.body["id"], one.body["status"]
    if status == "resolved":
        return [act_button("delete", alert_id, "Delete…")]
    acts = [
        act_button("snooze", alert_id, "Snooze…"),
        act_button("resolve", alert_id, "Resolve…"),
    ]
    if status == "active":
        first = act_button("acknowledge", alert_id, "Acknowledge", primary=True)
        acts = [first, act_button("note", alert_id, "With a note…"), *acts]
    return acts


def _evidence(one: Detail, view: AlertsPage) -> Component:
    rows: list[tuple[str, Any]] = []
    if one.server:
        id_, name = one.server
        rows.append(("Server", html.A(name, href=inside(f"/health/vps/{id_}"))))
    rows += one.facts
    if one.impact:
        links = [html.A(name, href=inside(f"/health/tenants/{id_}")) for id_, name in one.impact]
        between = [part for link in links for part in (", ", link)][1:]
        rows.append(("Hurts", between))
    rule = one.body["ruleId"]
    named = f"{one.body['ruleName']} (version {one.body['ruleVersion']})"
    rows.append(("Rule", html.A(named, href=inside(f"/health/alerts?tab=rules&rule={rule}"))))
    if one.incident:
        there = address(view, tab="history", view="incidents", alert="", incident=one.incident)
        rows.append(("Incident", stay("What belongs together", there)))
    if one.runbook:
        link = html.A("What to do (runbook)", href=one.runbook, target="_blank", rel="noopener")
        rows.append(("Runbook", link))
    facts = [html.Div([html.Dt(name), html.Dd(words)]) for name, words in rows]
    return html.Dl(facts, className="facts")


def _step(entry: Step) -> Component:
    who = f" by {entry.who}" if entry.who else ""
    words = [html.B(f"{EVENTS.get(entry.what, entry.what)}{who}")]
    if entry.text:
        words.append(html.Span(entry.text))
    return html.Li([moment(entry.at, "at"), html.Div(words)])


def _messages(one: Detail) -> Component:
    if not one.messages:
        return html.P("No message was written about it.", className="aside")
    head = html.Tr([html.Th(name, scope="col") for name in ("When", "To", "About", "State", "")])
    rows = [_message(message, one) for message in one.messages]
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="messages")
    return html.Div(table, className="scrolls", tabIndex=0, role="group",
                    **{"aria-label": "Notifications"})  # fmt: skip


def _message(message: Sent, one: Detail) -> Component:
    again = None
    if one.may_resend and message.status not in ("queued", "sending"):
        again = html.Button(
            ["Resend", html.Span(f" to {message.recipient}", className="visually-hidden")],
            id={"type": "alert-resend", "message": message.id},
            type="button",
            className="plain",
        )
    state = [html.B(message.status), html.Small(message.detail or message.reason)]
    way = WAYS.get(message.channel, message.channel)
    whom = "everybody" if message.channel == "inApp" else message.recipient
    about = message.event.removeprefix("alert.") + (" (again)" if message.again else "")
    return html.Tr(
        [
            html.Td(moment(message.at, "at")),
            html.Td([whom, html.Small(way)]),
            html.Td(about),
            html.Td(state),
            html.Td(again),
        ],
        **{"data-message-status": message.status},
    )


def _trace(one: Detail) -> Component:
    if not one.decisions:
        return empty("Nothing was decided about it.", "")
    steps = html.Ol([_step(entry) for entry in one.decisions], className="steps-list")
    summary = html.Summary([f"All {len(one.decisions)} in order", html.I(className="chevron")])
    return html.Details([summary, steps])


def _chart(found: Course) -> Chart:
    return Chart(
        lines=[Line(found.label, found.times, found.values)],
        unit=found.unit,
        start=found.start,
        end=found.end,
        limit=None if found.limit is None else (found.limit, "limit"),
        marks=[Mark(found.fired, "alert", found.ended or found.end, "var(--unhealthy-bar)")],
    )


def _at(stamp: str) -> Component:
    return moment(_seconds(stamp), "at")


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
