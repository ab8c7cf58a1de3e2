"""Who can be told: contacts, groups and on-call rotations, and the forms that write them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.marks import DASH, moment
from components.setting_forms import Dialog, Forms, number, section, several, table, text
from components.states import empty

FORMS = Forms("alertsettings")
MASK = "********"
DAYS = (
    ("mon", "Monday"), ("tue", "Tuesday"), ("wed", "Wednesday"), ("thu", "Thursday"),
    ("fri", "Friday"), ("sat", "Saturday"), ("sun", "Sunday"),
)  # fmt: skip
SHORT_DAYS = tuple((key, name[:3]) for key, name in DAYS)
SEVERITIES = (("critical", "critical"), ("warning", "warning"), ("info", "info"))
CHANNELS = (
    ("email", "e-mail"), ("sms", "SMS"), ("webhook", "webhook"), ("apprise", "Apprise"),
)  # fmt: skip
_PICKER = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")

Spec = Mapping[str, Any]


def people(
    contacts: Sequence[Spec], groups: Sequence[Spec], rotations: Sequence[Spec], chief: bool
) -> Component:
    """Everybody who can be told. An entry is what the API calls one: ``readOnly``, ``problem``,
    and for a rotation ``now`` with ``until`` in seconds since the epoch."""
    return html.Div(
        [
            None
            if chief
            else html.P("You may look and test; only a super_admin changes who is told.",
                        className="set-about"),
            section(
                "Contacts",
                "People and places that messages go to.",
                _add(chief, "contact", "Add contact"),
                table(
                    ("Name", "Reached by", "Quiet hours", ""),
                    [_contact(one, chief) for one in contacts],
                    "Contacts",
                )
                if contacts
                else empty("No contacts yet.", "Add one, and rules can tell somebody."),
            ),
            section(
                "Groups",
                "One name for several contacts.",
                _add(chief, "group", "Add group"),
                table(("Name", "Members", ""), [_group(o, chief) for o in groups], "Groups")
                if groups
                else empty("No groups.", "A rule can name a group in the place of its members."),
            ),
            section(
                "On call",
                "Rotations: each member is on call for a week; an override puts somebody else in.",
                _add(chief, "rotation", "Add rotation"),
                table(
                    ("Name", "On call now", "Members", ""),
                    [_rotation(one, chief) for one in rotations],
                    "Rotations",
                )
                if rotations
                else empty("No rotations.", "Name one in a rule, and whoever is on call is told."),
            ),
        ],
        className="set-sections",
    )  # fmt: skip


def _add(chief: bool, what: str, label: str) -> Component | None:
    look = "main" if what == "contact" else "quiet"
    return FORMS.open(what, "", label, look=look) if chief else None


def _name(one: Spec) -> Component:
    return html.Div(
        [
            html.B(one["name"]),
            html.Span("from the file", className="set-tag", title="Change it in the inventory file")
            if one["readOnly"]
            else None,
            html.P(one["problem"], className="set-problem") if one["problem"] else None,
        ]
    )


def _edit(what: str, one: Spec, chief: bool) -> list[Component | None]:
    if one["readOnly"] or not chief:
        return []
    return [
        FORMS.open(what, one["name"], "Edit", one["name"]),
        FORMS.open(f"{what}-delete", one["name"], "Delete", one["name"]),
    ]


def _contact(one: Spec, chief: bool) -> list[Any]:
    ways = [way for way in reached_by(one) if way]
    quiet = [_quiet(period) for period in one["quietHours"]]
    zone = one["timeZone"] or "UTC"
    fallback = one["fallback"]
    also = f"falls back on {dict(CHANNELS)[fallback['channel']]}" if fallback else ""
    return [
        _name(one),
        html.Ul([*(html.Li(w) for w in ways), html.Li(also, className="aside") if also else None])
        if ways
        else html.Span("by nothing yet", className="set-problem"),
        html.Ul([*(html.Li(words) for words in quiet), html.Li(zone, className="aside")])
        if quiet
        else f"none · {zone}",
        [
            FORMS.open("test", f"contact:{one['name']}", "Test", one["name"]) if ways else None,
            *_edit("contact", one, chief),
        ],
    ]  # fmt: skip


def reached_by(one: Spec) -> list[str]:
    """The ways to a contact, in words."""
    webhook = one["webhook"]
    return [
        one["email"] or "",
        one["phone"] or "",
        f"webhook {_bare(webhook['url'])}" if webhook else "",
        "Apprise" if one["apprise"] else "",
    ]


def channels_of(one: Spec) -> list[tuple[str, str]]:
    """The channels that reach a contact: (name, label)."""
    has = {"email": "email", "sms": "phone", "webhook": "webhook", "apprise": "apprise"}
    return [(name, label) for name, label in CHANNELS if one[has[name]]]


def _bare(url: str) -> str:
    """An address as a table has room for: the path may hold a token, so it stays out."""
    return url.partition("://")[2].partition("/")[0]


def _quiet(period: Spec) -> str:
    days = period["days"]
    when = "every day" if len(days) == 7 else ", ".join(day.capitalize() for day in days)
    return f"{period['from']}{DASH}{period['to']} {when}: no {' or '.join(period['severities'])}"


def _group(one: Spec, chief: bool) -> list[Any]:
    return [_name(one), ", ".join(one["members"]) or "nobody", _edit("group", one, chief)]


def _rotation(one: Spec, chief: bool) -> list[Any]:
    now = one["now"]
    until = ["until ", moment(now["until"], "at")] if now["until"] else ["until further notice"]
    handover = one["handover"]
    times = f"{dict(DAYS)[handover['day']]} {handover['time']}, {one['timeZone']}"
    ahead = len(one["overrides"])
    return [
        _name(one),
        [html.B(now["contact"] or "nobody"), " ", html.Span(until, className="aside")],
        [", ".join(one["members"]) or "nobody", html.Br(), html.Span(times, className="aside"),
         html.Span(f" · {ahead} override{'' if ahead == 1 else 's'}", className="aside")
         if ahead else None],
        _edit("rotation", one, chief),
    ]  # fmt: skip


# ---- forms ----
def contact_form(key: str, one: Spec | None) -> Dialog:
    """``key``: the version that the form is made of, a colon, and the name."""
    one = one or {}
    webhook, periods = one.get("webhook") or {}, [*one.get("quietHours", ())]
    fallback = one.get("fallback") or {}
    kept = "Leave it empty to keep the one that is there." if webhook else ""
    service = [
        FORMS.secret(
            "apprise",
            "Apprise service URL",
            "One is kept; leave it empty to keep it." if one.get("apprise") else
            "Such as slack:// and what follows; it holds the service's token and is never shown.",
        ),
        FORMS.ticks("apprise-off", "The kept one", [("off", "Take it away")])
        if one.get("apprise") else None,
    ]  # fmt: skip
    return Dialog(
        f"Contact {one['name']}" if one else "New contact",
        [
            _pair(
                FORMS.line("name", "Name", one.get("name", "")),
                FORMS.line("timeZone", "Time zone", one.get("timeZone") or "",
                           "Such as Europe/Amsterdam; empty for UTC."),
            ),
            _pair(
                FORMS.line("email", "E-mail", one.get("email") or "", inputmode="email"),
                FORMS.line("phone", "Phone", one.get("phone") or "", "With its country: +31…",
                           type="tel"),
            ),
            _pair(
                FORMS.line("webhook.url", "Webhook address", webhook.get("url", "")),
                FORMS.secret("webhook.secret", "Webhook secret",
                             kept or "Signs each message; some 32 random characters."),
            ),
            *service,
            html.Fieldset(
                [
                    html.Legend("Quiet hours"),
                    html.P("By the contact's clock. Empty both times to take a row away; save to "
                           "get another.", className="set-note"),
                    *(_period(at, period) for at, period in enumerate([*periods, {}])),
                    html.Div(id=FORMS.id("error", "quietHours"), className="set-error",
                             role="alert"),
                ],
                className="set-group",
            ),
            _pair(
                FORMS.choice("fallback.channel", "When a channel fails, use",
                             [("", "nothing else"), *CHANNELS], fallback.get("channel", "")),
                FORMS.line("fallback.after", "After seconds", fallback.get("after", 120),
                           type="number", min=0),
            ),
        ],
        [FORMS.do("contact", key, "Save contact")],
    )  # fmt: skip


def _period(at: int, period: Spec) -> Component:
    name = f"quietHours[{at}]"
    return html.Div(
        [
            FORMS.line(f"{name}.from", "From", period.get("from", ""), type="time"),
            FORMS.line(f"{name}.to", "To", period.get("to", ""), type="time"),
            FORMS.ticks(f"{name}.severities", "Hold back", SEVERITIES,
                        period.get("severities", ("info", "warning"))),
            FORMS.ticks(f"{name}.days", "Beginning on", SHORT_DAYS,
                        period.get("days", [day for day, _ in DAYS])),
        ],
        className="set-row",
    )  # fmt: skip


def contact_spec(fields: Mapping[str, Any], before: Spec | None) -> dict[str, Any]:
    """A contact as the form says it, in the place of the one ``before``."""
    before = before or {}
    webhook: dict[str, Any] | None = None
    if url := text(fields, "webhook.url"):
        webhook = {"url": url}
        secret = fields.get("webhook.secret")
        if isinstance(secret, str) and secret:
            webhook["secret"] = secret
        elif before.get("webhook"):
            webhook["secret"] = MASK
    apprise = text(fields, "apprise") or (before.get("apprise") and MASK) or None
    if several(fields, "apprise-off") and not text(fields, "apprise"):
        apprise = None
    channel = text(fields, "fallback.channel")
    return {
        "name": text(fields, "name"),
        "email": text(fields, "email") or None,
        "phone": text(fields, "phone") or None,
        "webhook": webhook,
        "apprise": apprise,
        "timeZone": text(fields, "timeZone") or None,
        "quietHours": [
            {
                "from": text(fields, f"{row}.from"),
                "to": text(fields, f"{row}.to"),
                "days": several(fields, f"{row}.days"),
                "severities": several(fields, f"{row}.severities"),
            }
            for row in _rows(fields, "quietHours", ("from", "to"))
        ],
        "fallback": {"channel": channel, "after": number(fields, "fallback.after")}
        if channel
        else None,
    }


def group_form(key: str, one: Spec | None, contacts: Sequence[str]) -> Dialog:
    one = one or {}
    gone = [name for name in one.get("members", ()) if name not in contacts]
    return Dialog(
        f"Group {one['name']}" if one else "New group",
        [
            FORMS.line("name", "Name", one.get("name", "")),
            FORMS.ticks("members", "Members", [(c, c) for c in (*contacts, *gone)],
                        one.get("members", ()))
            if contacts or gone
            else html.P("There are no contacts yet; add one first."),
        ],
        [FORMS.do("group", key, "Save group")],
    )  # fmt: skip


def group_spec(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": text(fields, "name"), "members": several(fields, "members")}


def rotation_form(key: str, one: Spec | None, contacts: Sequence[str]) -> Dialog:
    one = one or {}
    handover, since = one.get("handover") or {}, one.get("since", "")
    known = ", ".join(contacts[:12]) + (" and others" if len(contacts) > 12 else "")
    return Dialog(
        f"Rotation {one['name']}" if one else "New rotation",
        [
            _pair(
                FORMS.line("name", "Name", one.get("name", "")),
                FORMS.line("timeZone", "Time zone", one.get("timeZone", "UTC")),
            ),
            html.Div(
                [
                    FORMS.choice("handover.day", "Hand-over on", DAYS, handover.get("day", "mon")),
                    FORMS.line("handover.time", "At", handover.get("time", "09:00"), type="time"),
                    FORMS.line("since", "First hand-over", str(since), type="date"),
                ],
                className="set-row",
            ),
            FORMS.lines("members", "Members, in their order", "\n".join(one.get("members", ())),
                        f"One name a line. Contacts: {known or 'none yet'}."),
            html.Fieldset(
                [
                    html.Legend("Overrides"),
                    html.P("Somebody else for a while, by the rotation's clock. Empty a row to "
                           "take it away; save to get another.", className="set-note"),
                    *(
                        _override(at, override, contacts)
                        for at, override in enumerate([*one.get("overrides", ()), {}])
                    ),
                    html.Div(id=FORMS.id("error", "overrides"), className="set-error",
                             role="alert"),
                ],
                className="set-group",
            ),
        ],
        [FORMS.do("rotation", key, "Save rotation")],
    )  # fmt: skip


def _override(at: int, one: Spec, contacts: Sequence[str]) -> Component:
    name, who = f"overrides[{at}]", one.get("contact", "")
    names = [*contacts, *([who] if who and who not in contacts else [])]
    return html.Div(
        [
            FORMS.choice(f"{name}.contact", "On call", [("", "nobody else"),
                         *((c, c) for c in names)], who),
            *(
                FORMS.line(f"{name}.{edge}", label, one.get(edge, ""), type=_kind(one.get(edge)))
                for edge, label in (("from", "From"), ("to", "To"))
            ),
        ],
        className="set-row",
    )  # fmt: skip


def _kind(written: Any) -> str:
    """The browser's picker takes a time without a zone; another is shown as it was written."""
    return "datetime-local" if not written or _PICKER.fullmatch(str(written)) else "text"


def rotation_spec(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": text(fields, "name"),
        "timeZone": text(fields, "timeZone") or "UTC",
        "handover": {"day": text(fields, "handover.day"), "time": text(fields, "handover.time")},
        "members": several(fields, "members"),
        "since": text(fields, "since"),
        "overrides": [
            {edge: text(fields, f"{row}.{edge}") for edge in ("from", "to", "contact")}
            for row in _rows(fields, "overrides", ("from", "to", "contact"))
        ],
    }


def _rows(fields: Mapping[str, Any], name: str, parts: Sequence[str]) -> list[str]:
    """The rows of a form in which anything of ``parts`` is written."""
    found = []
    at = 0
    while f"{name}[{at}].{parts[0]}" in fields:
        row = f"{name}[{at}]"
        if any(text(fields, f"{row}.{part}") for part in parts):
            found.append(row)
        at += 1
    return found


def _pair(*fields: Component) -> Component:
    return html.Div(list(fields), className="set-pair")
