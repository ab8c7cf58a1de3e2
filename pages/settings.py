"""``/health/settings``: you, users, API keys, agents, the audit and this installation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import dash
import psutil
from dash import (
    ALL,
    ClientsideFunction,
    Input,
    Output,
    State,
    callback,
    clientside_callback,
    ctx,
    dcc,
    html,
)
from dash.development.base_component import Component
from flask import request

from components import account_settings as account
from components import states
from components.account_settings import FORMS
from components.marks import moment
from components.setting_forms import (
    Dialog,
    Outcome,
    given,
    named,
    not_allowed,
    pressed,
    several,
    side_links,
    text,
)  # fmt: skip
from services import container
from services.agent import VERSION
from services.errors import HealthdeckError, NotFound, ValidationError
from services.identity.agent_tokens import install_command
from services.identity.audit import Wanted, audited

dash.register_page(
    __name__,
    path="/health/settings",
    name="Settings",
    title="Settings · Healthdeck",
    icon="settings",
    order=6,
)

CHIEFS = {"users": "Users come and go here.", "keys": "API keys are made and revoked here.",
          "agents": "The tokens of agents are made and ended here.",
          "audit": "The audit tells who changed what."}  # fmt: skip
LABELS = {"you": "You", "users": "Users", "keys": "API keys", "agents": "Agents",
          "audit": "Audit", "about": "About"}  # fmt: skip
MOST_LISTED, ENTRIES = 1000, 50
SHORTEST = 12

Fields = Mapping[str, Any]


def layout(**query: str) -> Component:
    """The chosen section, beside the way to the others."""
    caller = container.caller()
    names = [name for name in LABELS if caller.scope is None or name not in CHIEFS]
    chosen = _chosen(query)
    links = side_links(
        "/health/settings?section=", [(n, LABELS[n]) for n in names], chosen, "Sections"
    )
    parts = FORMS.frame(links, _section(chosen, query))
    kept = dcc.Store(id="settings-query", data=query)
    return html.Div(
        [html.H1("Settings"), html.Div([*parts, kept], className="page-body settings")],
        className="page",
    )


@callback(
    Output(FORMS.place("body"), "children"),
    Input(FORMS.place("acted"), "data"),
    State("settings-query", "data"),
    prevent_initial_call=True,
)
def redraw(acted: Any, query: Any) -> Any:
    """The section anew after something was changed."""
    return _section(_chosen(query), query) if acted else dash.no_update


@callback(
    Output(FORMS.place("title"), "children"),
    Output(FORMS.place("form"), "children"),
    Output(FORMS.place("acts"), "children"),
    Output(FORMS.place("said"), "children"),
    Output(FORMS.place("dialog"), "is_open"),
    Input(FORMS.button("open", ALL, ALL), "n_clicks"),
    prevent_initial_call=True,
)
def open_form(_clicks: Any) -> Any:
    """The form of the button that was pressed."""
    asked = pressed(ctx.triggered)
    if asked is None:
        return [dash.no_update] * 5
    container.acting("chief")
    form = _one_of(FORM, asked["what"])(asked["key"])
    return form.title, form.body, list(form.acts), "", True


@callback(
    Output(FORMS.id("error", ALL), "children"),
    Output(FORMS.place("said"), "children", allow_duplicate=True),
    Output(FORMS.place("title"), "children", allow_duplicate=True),
    Output(FORMS.place("form"), "children", allow_duplicate=True),
    Output(FORMS.place("acts"), "children", allow_duplicate=True),
    Output(FORMS.place("dialog"), "is_open", allow_duplicate=True),
    Output(FORMS.place("acted"), "data"),
    Input(FORMS.button("do", ALL, ALL), "n_clicks"),
    State(FORMS.id("field", ALL), "value"),
    running=[(Output(FORMS.place("busy"), "hidden"), False, True)],
    prevent_initial_call=True,
)
def do(_clicks: Any, _values: Any) -> list[Any]:
    """Does what the pressed button says, with what stands in the form."""
    asked, names = pressed(ctx.triggered), named(ctx.outputs_list[0])
    if asked is None:
        return FORMS.untouched(names)
    try:
        container.acting("chief")
        outcome = _one_of(DEED, asked["what"])(asked["key"], given(ctx.states_list[0]))
    except HealthdeckError as error:
        return FORMS.refused(error.message, error.details, names)
    if outcome.said:
        dash.set_props("toasts", {"children": states.done(outcome.said)})
    return FORMS.after(outcome, names, time.time())


clientside_callback(
    ClientsideFunction("healthdeck", "closed"),
    Output(FORMS.place("dialog"), "is_open", allow_duplicate=True),
    Input(FORMS.place("close"), "n_clicks"),
    prevent_initial_call=True,
)


# ---- sections ----
def _chosen(query: Any) -> str:
    asked = query.get("section") if isinstance(query, dict) else None
    hidden = CHIEFS if container.scope() is not None else ()
    return asked if asked in LABELS and asked not in hidden else "you"


def _section(name: str, query: Any) -> Component:
    if name in CHIEFS and not container.caller().is_a("chief"):
        return html.Section([html.H2(LABELS[name]), not_allowed(CHIEFS[name])])
    found = query if isinstance(query, dict) else {}
    return SECTIONS[name]({n: v for n, v in found.items() if isinstance(v, str)})


def _you(_query: Fields) -> Component:
    caller = container.caller()
    own = caller.via == "session" and caller.is_a("chief")
    limited = caller.scope is not None
    return account.you(caller.name, caller.role, caller.via, limited, own)


def _users(_query: Fields) -> Component:
    found = container.current().identity.users.all(0, MOST_LISTED)
    return account.users(found, container.caller().name)


def _keys(_query: Fields) -> Component:
    found = container.current().identity.keys.all(0, MOST_LISTED)
    # What is in force first, then the newest.
    found.sort(key=lambda one: (one["revokedAt"] is not None, -int(one["id"])))
    return account.keys(found)


def _agents(_query: Fields) -> Component:
    found = container.current().agents.enrolled()
    known = {one["vpsId"] for one in found}
    sources = container.current().read.fleet().source_types
    waiting = [vps for vps, type_ in sources.items() if type_ == "agent" and vps not in known]
    return account.agents(found, waiting)


def _audit(query: Fields) -> Component:
    texts = {
        n: query.get(n, "").strip().replace("\0", "")[:320] for n in ("who", "action", "target")
    }
    at, _, id_ = query.get("before", "").partition("~")
    numbers = at.replace(".", "", 1).isdigit() and id_.isdigit() and len(id_) < 16
    before = (float(at), int(id_)) if numbers else None
    wanted = Wanted(*(text_ or None for text_ in texts.values()))
    found = audited(container.current().database, wanted, before, ENTRIES + 1)
    entries, more = found[:ENTRIES], len(found) > ENTRIES
    older = f"{entries[-1]['at']!r}~{entries[-1]['id']}" if more else None
    return account.audit(entries, {**texts, "before": query.get("before", "")}, older)


def _about(_query: Fields) -> Component:
    services = container.current()
    facts: list[tuple[str, Any]] = [
        ("Version", VERSION),
        ("Running since", moment(psutil.Process().create_time(), "at")),
        ("Up for", moment(psutil.Process().create_time(), "since")),
    ]
    if container.scope() is None:
        kinds = {"sqlite": "SQLite, one file", "postgresql": "PostgreSQL"}
        facts += [
            ("Database", kinds.get(services.database.dialect, services.database.dialect)),
            ("Cache", "Redis" if services.settings.redis_url else "in memory"),
            ("Servers", str(len(services.read.fleet().vps))),
            ("Tenants", str(len(services.read.fleet().tenants))),
        ]
    return account.about(facts)


SECTIONS: Mapping[str, Callable[[Fields], Component]] = {
    "you": _you, "users": _users, "keys": _keys, "agents": _agents, "audit": _audit,
    "about": _about,
}  # fmt: skip


def _one_of(table: Mapping[str, Any], what: str) -> Any:
    if what not in table:
        raise NotFound(f"There is no '{what[:50]}' here.")
    return table[what]


# ---- users ----
def _user(key: str) -> dict[str, Any]:
    users = container.current().identity.users
    found = users.all(int(key) - 1, 1) if key.isdigit() and 0 < len(key) < 10 else []
    if not found or found[0]["id"] != key:
        raise NotFound("There is no such user any more.")
    return found[0]


def _me() -> dict[str, Any]:
    name = container.caller().name
    for one in container.current().identity.users.all(0, MOST_LISTED):
        if one["name"] == name and container.caller().via == "session":
            return one
    raise NotFound("You have no password here.")


def _password(fields: Fields) -> str:
    """Passwords keep their spaces."""
    found = fields.get("password")
    if not isinstance(found, str) or not SHORTEST <= len(found) <= 1024:
        raise _wrong("password", f"it must have at least {SHORTEST} characters")
    if "again" in fields and fields["again"] != found:
        raise _wrong("again", "it is not the same as above")
    return found


def _wrong(field: str, problem: str) -> ValidationError:
    return ValidationError(
        f"This is not as it should be: {problem}.", [{"field": field, "problem": problem}]
    )


def _add_user(_key: str, fields: Fields) -> Outcome:
    users, name = container.current().identity.users, text(fields, "name")
    if not name:
        raise _wrong("name", "it is empty")
    users.create(name, _password(fields), text(fields, "role"), container.acting("chief"))
    return Outcome(f"{name} may log in.")


def _set_role(key: str, fields: Fields) -> Outcome:
    one, role = _user(key), text(fields, "role")
    container.current().identity.users.change(int(key), container.acting("chief"), role)
    return Outcome(f"{one['name']} is {role}.")


def _set_password(key: str, fields: Fields) -> Outcome:
    one, actor, new = _user(key), container.acting("chief"), _password(fields)
    container.current().identity.users.change(int(key), actor, password=new)
    return Outcome(f"{one['name']} has a new password.")


def _set_own_password(_key: str, fields: Fields) -> Outcome:
    _set_password(_me()["id"], fields)
    return Outcome("You have a new password; log in with it.")


def _drop_user(key: str, _fields: Fields) -> Outcome:
    one = _user(key)
    container.current().identity.users.delete(int(key), container.acting("chief"))
    return Outcome(f"{one['name']} is gone.")


def _drop_user_form(key: str) -> Dialog:
    one = _user(key)
    then = f"{one['name']} is logged out everywhere and cannot come in again."
    return FORMS.confirm("user-delete", key, f"user {one['name']}", then)


# ---- keys and agents ----
def _make_key(_key: str, fields: Fields) -> Outcome:
    name, ends = text(fields, "name"), text(fields, "expires")
    if not name:
        raise _wrong("name", "it is empty")
    expires = None
    if ends:
        try:
            expires = datetime.strptime(ends, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
        except ValueError:
            raise _wrong("expires", "it is no day; write it as 2030-01-31") from None
    tenants = several(fields, "tenants") or None
    made = container.current().identity.keys.create(
        name, text(fields, "role"), container.acting("chief"), tenants, expires
    )
    return Outcome(shown=account.key_shown(name, made["key"]))


def _revoke_form(key: str) -> Dialog:
    one = next((k for k in container.current().identity.keys.all(0, MOST_LISTED)
                if k["id"] == key), None)  # fmt: skip
    if one is None:
        raise NotFound("There is no such key any more.")
    then = "Scripts that use it are refused from now on."
    return FORMS.confirm("key-revoke", key, f"API key {one['name']}", then, "Revoke")


def _revoke(key: str, _fields: Fields) -> Outcome:
    number = int(key) if key.isdigit() and len(key) < 10 else 0
    container.current().identity.keys.revoke(number, container.acting("chief"))
    return Outcome("The key is revoked.")


def _agent_form(vps: str) -> Dialog:
    known = {one["vpsId"] for one in container.current().agents.enrolled() if not one["revoked"]}
    return account.agent_form(vps, vps in known)


def _enroll(vps: str, _fields: Fields) -> Outcome:
    token = container.current().agent_tokens.enroll(vps, container.acting("chief"))
    command = install_command(request.url_root.rstrip("/"), token)
    return Outcome(shown=account.command_shown(vps, command))


def _end_agent_form(vps: str) -> Dialog:
    then = "Its reports are refused from now on; what was observed stays."
    return FORMS.confirm("agent-end", vps, f"agent of {vps}", then, "End")


def _end_agent(vps: str, _fields: Fields) -> Outcome:
    container.current().agent_tokens.revoke(vps, container.acting("chief"))
    return Outcome(f"The token of {vps} ended.")


FORM: Mapping[str, Callable[[str], Dialog]] = {
    "own-password": lambda _key: account.password_form(_me(), "own-password", True),
    "user": lambda _key: account.user_form(),
    "user-role": lambda key: account.role_form(_user(key)),
    "user-password": lambda key: account.password_form(_user(key), "user-password", False),
    "user-delete": _drop_user_form,
    "key": lambda _key: account.key_form(),
    "key-revoke": _revoke_form,
    "agent": _agent_form,
    "agent-end": _end_agent_form,
}
DEED: Mapping[str, Callable[[str, Fields], Outcome]] = {
    "own-password": _set_own_password,
    "user": _add_user,
    "user-role": _set_role,
    "user-password": _set_password,
    "user-delete": _drop_user,
    "key": _make_key,
    "key-revoke": _revoke,
    "agent": _enroll,
    "agent-end": _end_agent,
}
