"""You, users, API keys, agents, the audit, and what this installation is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from components.links import inside
from components.marks import moment
from components.setting_forms import Dialog, Forms, secret_shown, section, table
from components.states import empty

FORMS = Forms("settings")
ROLES = (
    ("admin", "admin: reads everything, handles alerts"),
    ("super_admin", "super_admin: also changes the installation"),
)
_LONGEST_DETAIL = 400

Row = Mapping[str, Any]


def you(name: str, role: str, via: str, limited: bool, may_change: bool) -> Component:
    """``via``: how the caller came in; ``may_change``: the own password."""
    facts = [("Name", name), ("Role", role), ("Sees", "your tenants" if limited else "everything")]
    if via != "session":
        login: Any = "You came in by a token or in a portal's frame, without a password."
    elif may_change:
        login = FORMS.open("own-password", "", "Change password")
    else:
        login = "A super_admin sets a new one for you."
    choices = [
        html.Button(
            label, type="button", className="btn btn-sm btn-quiet", **{"data-theme-set": value}
        )
        for value, label in (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))
    ]
    return html.Div(
        [
            section("You", "", None, _facts([*facts, ("Password", login)])),
            section(
                "Theme",
                "Kept in this browser.",
                None,
                html.Div(choices, className="set-choice", role="group",
                         **{"aria-label": "Theme of the pages"}),
            ),
            section(
                "Notifications of this browser",
                "",
                None,
                html.P(
                    "Open the bell at the top and switch on “Also show on this computer”: "
                    "critical, warning and resolution messages then come as this browser's own "
                    "notifications "
                    "while no tab of Healthdeck is on the screen. Browsers allow it over https or "
                    "on localhost alone.",
                    className="set-about",
                ),
            ),
        ],
        className="set-sections",
    )  # fmt: skip


def users(found: Sequence[Row], me: str) -> Component:
    rows = [
        [
            [html.B(one["name"]), html.Span("you", className="set-tag")
             if one["name"] == me else None],
            one["role"],
            _at(one["createdAt"]),
            [
                FORMS.open("user-role", one["id"], "Role", one["name"]),
                FORMS.open("user-password", one["id"], "Reset password", one["name"]),
                FORMS.open("user-delete", one["id"], "Delete", one["name"]),
            ],
        ]
        for one in found
    ]  # fmt: skip
    return section(
        "Users",
        "Who may log in.",
        FORMS.open("user", "", "Add user", look="main"),
        table(("Name", "Role", "Since", ""), rows, "Users")
        if rows
        else empty("No users.", "Everybody comes in by tokens; add a user for the login page."),
    )


def user_form() -> Dialog:
    return Dialog(
        "Add user",
        [
            FORMS.line("name", "Name", "", autocomplete="off"),
            FORMS.secret("password", "Password", "At least 12 characters."),
            FORMS.choice("role", "Role", ROLES, "admin"),
        ],
        [FORMS.do("user", "", "Add user")],
    )


def role_form(one: Row) -> Dialog:
    return Dialog(
        f"Role of {one['name']}",
        [
            FORMS.choice("role", "Role", ROLES, one["role"]),
            html.P(f"Another role ends the sessions of {one['name']}.", className="set-note"),
        ],
        [FORMS.do("user-role", one["id"], "Change role")],
    )


def password_form(one: Row, what: str, me: bool) -> Dialog:
    whose = "your password" if me else f"the password of {one['name']}"
    ends = "You are logged out" if me else f"The sessions of {one['name']} end"
    return Dialog(
        f"Change {whose}",
        [
            FORMS.secret("password", "New password", "At least 12 characters."),
            FORMS.secret("again", "The same again"),
            html.P(f"{ends} everywhere.", className="set-note"),
        ],
        [FORMS.do(what, one["id"], "Change password")],
    )


def keys(found: Sequence[Row]) -> Component:
    rows = [
        [
            html.B(one["name"]),
            html.Code(f"{one['prefix']}…"),
            [one["role"], html.Br(), html.Span(_within(one["tenants"]), className="aside")],
            [_at(one["createdAt"]), html.Br(),
             html.Span(f"by {one['createdBy']}", className="aside")],
            ["used ", _at(one["lastUsedAt"])] if one["lastUsedAt"] else "never used",
            ["revoked ", _at(one["revokedAt"])] if one["revokedAt"]
            else ["ends ", _at(one["expiresAt"])] if one["expiresAt"] else "in force",
            None if one["revokedAt"]
            else FORMS.open("key-revoke", one["id"], "Revoke", one["name"]),
        ]
        for one in found
    ]  # fmt: skip
    heads = ("Name", "Key", "Role", "Made", "Used", "State", "")
    return section(
        "API keys",
        "Secrets for scripts, sent as Authorization: Bearer.",
        FORMS.open("key", "", "Make API key", look="main"),
        table(heads, rows, "API keys")
        if rows
        else empty("No API keys.", "Make one for a script that asks the API."),
    )


def _within(tenants: Sequence[str] | None) -> str:
    return "everything" if tenants is None else ", ".join(tenants)


def key_form() -> Dialog:
    return Dialog(
        "Make API key",
        [
            FORMS.line("name", "Name", "", "What it is for.", autocomplete="off"),
            FORMS.choice("role", "Role", ROLES, "admin"),
            FORMS.line("tenants", "Tenants", "", "Ids with commas between them; empty for all."),
            FORMS.line("expires", "Ends on", "", "At midnight UTC; empty for never.", type="date"),
        ],
        [FORMS.do("key", "", "Make API key")],
    )


def key_shown(name: str, key: str) -> Dialog:
    then = "It is stored as a digest, so nobody can show it again. Make another when it is lost."
    return Dialog(f"The API key {name}", secret_shown("Copy it now:", key, then))


def agents(found: Sequence[Row], waiting: Sequence[str]) -> Component:
    """``waiting``: servers whose source is an agent that has no token yet."""
    rows = [
        [
            html.B(one["vpsId"]),
            one["version"] or "unknown",
            _at(one["lastSeenAt"], "ago") if one["lastSeenAt"] else "not lately",
            ", ".join(one["allows"]) or "nothing",
            html.Span("ended", className="set-problem") if one["revoked"] else "in force",
            [
                FORMS.open("agent", one["vpsId"], "New token", one["vpsId"]),
                None if one["revoked"]
                else FORMS.open("agent-end", one["vpsId"], "End", one["vpsId"]),
            ],
        ]
        for one in found
    ] + [
        [html.B(vps), "", "never", "", "no token yet",
         FORMS.open("agent", vps, "Make token", vps, look="main")]
        for vps in waiting
    ]  # fmt: skip
    heads = ("Server", "Version", "Last report", "May do", "Token", "")
    return section(
        "Agents",
        "The programs on servers that report to Healthdeck, and their tokens.",
        None,
        table(heads, rows, "Agents")
        if rows
        else empty(
            "No agents.",
            "Write `source: {type: agent}` in a server's entry of the inventory, and it is here.",
        ),
    )


def agent_form(vps: str, replaces: bool) -> Dialog:
    ends = "The token before it ends at once, and with it the agent that uses it."
    return Dialog(
        f"New token for {vps}",
        html.P(ends if replaces else "It is shown once, with the command that starts the agent."),
        [FORMS.do("agent", vps, "Make token")],
    )


def command_shown(vps: str, command: str) -> Dialog:
    then = "It holds the token, which nobody can show again."
    return Dialog(f"Agent of {vps}", secret_shown(f"Run this on {vps}:", command, then))


def audit(entries: Sequence[Row], query: Mapping[str, str], older: str | None) -> Component:
    """What was done, newest first; ``at`` in seconds since the epoch."""
    form = html.Form(
        [
            dcc.Input(type="hidden", name="section", value="audit", id="audit-section"),
            *(
                html.Label(
                    [
                        html.Span(label),
                        dcc.Input(type="text", name=name, value=query.get(name, ""),
                                  id=f"audit-{name}", className="form-control form-control-sm",
                                  placeholder=hint),
                    ]
                )
                for name, label, hint in (
                    ("who", "Who", ""), ("action", "Action", "user.create"), ("target", "What", "")
                )
            ),
            html.Button("Filter", type="submit", className="btn btn-sm btn-quiet"),
            dcc.Link("All", href=_audit({}), className="plain")
            if any(query.get(n) for n in ("who", "action", "target")) else None,
        ],
        action=inside("/health/settings"),
        method="GET",
        className="set-filter",
    )  # fmt: skip
    rows = [
        [
            moment(one["at"], "at"),
            dcc.Link(one["who"], href=_audit({"who": one["who"]})),
            dcc.Link(html.Code(one["action"]), href=_audit({"action": one["action"]})),
            one["target"],
            one["address"] or "command line",
            html.Details([html.Summary("Details"), html.Code(_detail(one["detail"]))])
            if one["detail"] else None,
        ]
        for one in entries
    ]  # fmt: skip
    heads = ("When", "Who", "Action", "What", "From", "Details")
    more = [
        dcc.Link("Older entries", href=_audit({**query, "before": older}), className="plain")
        if older
        else None,
        dcc.Link("Newest entries", href=_audit({**query, "before": ""}), className="plain")
        if query.get("before")
        else None,
    ]
    return section(
        "Audit",
        "Who changed what, when and from where.",
        None,
        [
            form,
            table(heads, rows, "Audit") if rows else empty("Nothing fits.", "Look for less."),
            html.Div(more, className="set-more"),
        ],
    )


def _audit(query: Mapping[str, Any]) -> str:
    kept = {n: query[n] for n in ("who", "action", "target", "before") if query.get(n)}
    return inside(f"/health/settings?{urlencode({'section': 'audit', **kept})}")


def _detail(detail: Any) -> str:
    found = json.dumps(detail, ensure_ascii=False)
    return found if len(found) <= _LONGEST_DETAIL else f"{found[:_LONGEST_DETAIL]}…"


def about(facts: Sequence[tuple[str, Any]]) -> Component:
    links = [
        html.Li(html.A(label, href=inside(path)))
        for path, label in (
            ("/api/docs", "The API, route by route"),
            ("/api/openapi.json", "OpenAPI document"),
            ("/metrics", "Figures of Healthdeck itself, for Prometheus"),
            ("/readyz", "Is it ready"),
        )
    ]
    return html.Div(
        [
            section("About", "", None, _facts(facts)),
            section("Documents", "", None, html.Ul(links, className="card set-docs")),
        ],
        className="set-sections",
    )


def _facts(facts: Sequence[tuple[str, Any]]) -> Component:
    return html.Dl(
        [part for name, value in facts for part in (html.Dt(name), html.Dd(value))],
        className="card set-facts",
    )


def _at(iso: str, form: str = "at") -> Component:
    return moment(datetime.fromisoformat(iso).timestamp(), form)
