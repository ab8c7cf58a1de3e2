"""Channels: which are ready, trying them out, and the messages that they carried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from components.links import inside
from components.marks import mark, moment
from components.people_settings import CHANNELS, FORMS
from components.setting_forms import Dialog, section, table
from components.states import empty
from services.observation import Status

LABELS = {**dict(CHANNELS), "inApp": "in-app"}
STATES = ("failed", "undeliverable", "suppressed", "queued", "sending", "sent", "delivered")
EVENTS = ("alert.fired", "alert.escalated", "alert.acknowledged", "alert.resolved", "alert.digest",
          "test")  # fmt: skip
#: How a delivery's state looks; its word is always there too.
_LOOKS = {
    "sent": "healthy", "delivered": "healthy", "failed": "unhealthy", "undeliverable": "unhealthy",
    "queued": "info", "sending": "info", "suppressed": "unknown",
}  # fmt: skip


def channels(found: Sequence[Mapping[str, Any]]) -> Component:
    """Each channel: ``name``, ``ready``, ``why`` it is not, and how many ``contacts`` it reaches
    (None: it needs none)."""
    rows = [
        [
            html.B(LABELS[one["name"]].capitalize() if one["name"] != "sms" else "SMS"),
            _ready(one["ready"]),
            one["why"] or _reach(one["contacts"]),
            FORMS.open("test", f"channel:{one['name']}", "Test", LABELS[one["name"]]),
        ]
        for one in found
    ]
    return section(
        "Channels",
        "Ways to tell people. What a channel needs is set in the environment of the server.",
        None,
        table(("Channel", "State", "About", ""), rows, "Channels"),
    )


def _ready(ready: bool) -> Component:
    state = Status.HEALTHY if ready else Status.UNKNOWN
    found = mark(state, word=False)
    return html.Span([found, html.Span("ready" if ready else "not set up")], className="set-state")


def _reach(contacts: int | None) -> str:
    if contacts is None:
        return "Everybody who has Healthdeck open."
    if not contacts:
        return "No contact has an address for it yet."
    return f"Reaches {contacts} contact{'' if contacts == 1 else 's'}."


def test_form(key: str, name: str, ways: Sequence[tuple[str, str]], who: Sequence[str]) -> Dialog:
    """A test message: by one of ``ways`` to ``name``, or by the channel ``name`` to one of
    ``who`` (nobody: to everybody)."""
    if ways:
        fields: Any = FORMS.choice("channel", "By", ways, ways[0][0])
    elif name == "inApp":
        fields = html.P("It goes to everybody who has Healthdeck open.")
    else:
        fields = FORMS.line(
            "recipient", "To", who[0] if len(who) == 1 else "",
            f"A contact, a group, a rotation or an address. Known: {', '.join(who[:8]) or 'none'}.",
        )  # fmt: skip
    return Dialog(
        f"Test {LABELS.get(name, name)}",
        [fields, html.P("What the provider says is shown here, within 12 seconds.",
                        className="set-note")],
        [FORMS.do("test", key, "Send a test")],
    )  # fmt: skip


def answers(name: str, found: Sequence[Mapping[str, Any]]) -> Dialog:
    """What became of a test: ``recipient``, ``ok``, ``status``, ``detail``, ``seconds``."""
    rows = [
        html.Li(
            [
                html.Div(
                    [
                        mark(Status.HEALTHY if one["ok"] else Status.UNHEALTHY, word=False),
                        html.B(one["recipient"]),
                        html.Span(one["status"]),
                        html.Span(f"{one['seconds']:.1f} s", className="aside"),
                    ],
                    className="set-answer",
                ),
                html.P(one["detail"] or "The provider took the message.", className="set-said-by"),
            ]
        )
        for one in found
    ]
    good = sum(1 for one in found if one["ok"])
    title = "It arrived" if good == len(found) else "It did not arrive everywhere" if good else (
        "It did not arrive"
    )  # fmt: skip
    return Dialog(
        f"Test {LABELS.get(name, name)}: {title[0].lower()}{title[1:]}",
        html.Ul(rows, **{"data-testid": "test-answer"}),
    )


def messages(
    rows: Sequence[Mapping[str, Any]], query: Mapping[str, str], older: str | None, whole: bool
) -> Component:
    """What was sent, or was not, newest first. ``older`` is where the list goes on; ``whole``: the
    caller may send again."""
    filters = html.Div(
        [
            _filter("status", "Status", STATES, query),
            _filter("channel", "Channel", tuple(LABELS), query),
            _filter("event", "Event", EVENTS, query),
        ],
        className="set-filters",
    )
    chosen = [name for name in ("status", "channel", "event", "recipient") if query.get(name)]
    nothing = (
        empty("No message fits.", "Choose other filters, or all.")
        if chosen
        else empty("No messages yet.", "One appears here as soon as somebody is to be told.")
    )
    body = (
        table(
            ("When", "Status", "Message", "To", "Why", ""),
            [_message(one, whole) for one in rows],
            "Messages",
        )
        if rows
        else nothing
    )
    more = [
        dcc.Link("Older messages", href=address({**query, "before": older}), className="plain")
        if older
        else None,
        dcc.Link("Newest messages", href=address({**query, "before": ""}), className="plain")
        if query.get("before")
        else None,
    ]
    return section(
        "Messages",
        "Everything that was sent, or was not, with its reason.",
        None,
        [filters, body, html.Div(more, className="set-more")],
    )


def address(query: Mapping[str, Any]) -> str:
    """The list of messages with these filters."""
    kept = {
        name: query[name]
        for name in ("status", "channel", "event", "recipient", "before")
        if query.get(name)
    }
    return inside(f"/health/alerts?{urlencode({'tab': 'settings', 'section': 'messages', **kept})}")


def _filter(name: str, label: str, values: Sequence[str], query: Mapping[str, str]) -> Component:
    chosen = query.get(name, "")
    links = [
        dcc.Link(
            LABELS.get(value, value.removeprefix("alert.")) if value else "all",
            href=address({**query, name: value, "before": ""}),
            className=f"chip{' is-chosen' if value == chosen else ''}",
        )
        for value in ("", *values)
    ]
    return html.Div(
        [html.Span(label, className="aside"), *links],
        className="set-filter",
        role="group",
        **{"aria-label": label},
    )


def _message(one: Mapping[str, Any], whole: bool) -> list[Any]:
    body = one["body"]
    look = _LOOKS.get(one["status"], "info")
    state = html.Span(
        [html.I(className="mark", **{"aria-hidden": "true"}), html.Span(one["status"])],
        className=f"status is-{look}",
    )
    title = body.get("title") or one["event"]
    shown: Any = title
    if one["alertId"]:
        alert = inside(f"/health/alerts?tab=history&alert={one['alertId']}")
        shown = dcc.Link(title, href=alert)
    return [
        moment(one["at"], "at"),
        state,
        [shown, html.Br(), html.Span(one["event"], className="aside")],
        [
            dcc.Link(one["recipient"], href=address({"recipient": one["recipient"]})),
            html.Span(f" by {LABELS.get(one['channel'], one['channel'])}", className="aside"),
        ],
        [one["reason"], html.P(one["detail"], className="aside") if one["detail"] else None],
        FORMS.do("resend", one["id"], "Resend", title, look="quiet") if whole else None,
    ]
