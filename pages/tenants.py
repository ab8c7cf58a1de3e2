"""``/health/tenants``: all tenants that the caller may see; adding one, taking one off."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import dash
from dash import (
    ALL,
    ClientsideFunction,
    Input,
    Output,
    Patch,
    State,
    callback,
    clientside_callback,
    ctx,
)
from dash.development.base_component import Component

from components import tenant_dialogs, tenant_list
from components.states import done
from components.tenant_dialogs import ADD, APP_FIELDS, FIELDS, POLICY, REMOVE
from components.tenant_list import LIVE, MOST, SEARCH, SORT, STATE
from services import container
from services.cache import Kept
from services.errors import Conflict, ValidationError
from services.views.tenant_rows import Chosen, TenantList
from services.views.tenant_rows import tenant_list as read

THIRTY_DAYS = 30 * 86400.0
#: Seconds for which the figures of all tenants are given again.
FRESH = 60
#: Applications that the form takes.
MOST_APPS = 30

dash.register_page(
    __name__,
    path="/health/tenants",
    name="Tenants",
    title="Tenants · Healthdeck",
    icon="tenants",
    order=3,
)

clientside_callback(
    ClientsideFunction("healthdeck", "tenants_chosen"),
    LIVE.acted,
    Input(SEARCH, "value"),
    Input(STATE, "value"),
    Input(SORT, "value"),
    State(MOST, "data"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("healthdeck", "tenants_typed"),
    Output("tenant-remove-do", "disabled"),
    Input("tenant-remove-typed", "value"),
    State("tenant-remove-of", "data"),
)


def layout(
    q: str = "", state: str = "", sort: str = "", most: str = "", **_query: str
) -> Component:
    number = int(most) if most.isascii() and most.isdigit() and len(most) < 6 else None
    view = _list(Chosen.of(q, state, sort, number))
    dialogs = tenant_dialogs.dialogs([*_fleet().services]) if view.may_change else []
    return tenant_list.page(view, dialogs, time.time())


@callback(
    *LIVE.outputs,
    *LIVE.inputs,
    State(SEARCH, "value"),
    State(STATE, "value"),
    State(SORT, "value"),
    State(MOST, "data"),
    prevent_initial_call=True,
)
def refresh(_event: Any, _acted: Any, before: Any, q: Any, state: Any, sort: Any, most: Any) -> Any:
    """Reads the list again and draws what differs from what is on the screen."""
    view = _list(Chosen.of(q, state, sort, most))
    return LIVE.redraw(view, time.time() - view.updated_at, before)


@callback(
    Output(ADD, "is_open"),
    Input("tenant-add-open", "n_clicks"),
    Input("tenant-add-cancel", "n_clicks"),
    prevent_initial_call=True,
)
def open_form(_open: Any, _cancel: Any) -> bool:
    """Opens the form, or closes it with what was written kept."""
    return bool(ctx.triggered_id == "tenant-add-open")


@callback(
    Output("tenant-apps", "children"),
    Input("tenant-app-more", "n_clicks"),
    prevent_initial_call=True,
)
def another(clicks: int | None) -> Any:
    """Adds the fields of one more application."""
    rows = Patch()
    if clicks and clicks < MOST_APPS:
        rows.append(tenant_dialogs.app_row(clicks))
    return rows


@callback(
    LIVE.acted,
    Output(ADD, "is_open", allow_duplicate=True),
    Output("tenant-problems", "children"),
    Input("tenant-add-do", "n_clicks"),
    State({"type": "tenant-field", "name": ALL}, "value"),
    State({"type": "tenant-app", "name": ALL, "row": ALL}, "value"),
    State({"type": "tenant-policy", "name": ALL}, "value"),
    prevent_initial_call=True,
)
def add(clicks: int | None, fields: Any, apps: Any, policy: Any) -> Any:
    """Adds what was written, or says in the form what is wrong with it."""
    if not clicks:
        return dash.no_update, dash.no_update, dash.no_update
    actor, given = container.acting("chief"), _given(fields, apps, policy)
    try:
        container.current().inventory.add_tenant(given, actor.name)
    except (ValidationError, Conflict) as error:
        return dash.no_update, True, tenant_dialogs.problems(error.message, error.details)
    dash.set_props("toasts", {"children": done(f"{given['id']} is on the list now.")})
    return time.time(), False, None


@callback(
    Output(REMOVE, "is_open"),
    Output("tenant-remove-of", "data"),
    Output("tenant-remove-name", "children"),
    Output("tenant-remove-id", "children"),
    Output("tenant-remove-typed", "value"),
    Input({"type": "tenant-remove", "tenant": ALL}, "n_clicks"),
    Input("tenant-remove-cancel", "n_clicks"),
    prevent_initial_call=True,
)
def ask(_clicks: Any, _cancel: Any) -> Any:
    """Asks before a tenant is taken off; Cancel closes the question."""
    if not isinstance(ctx.triggered_id, dict):
        return False, *[dash.no_update] * 4
    spec = _fleet().tenants.get(ctx.triggered_id["tenant"])
    if spec is None or not ctx.triggered[0]["value"]:
        return [dash.no_update] * 5
    return True, spec.id, spec.label, spec.id, ""


@callback(
    LIVE.acted,
    Output(REMOVE, "is_open", allow_duplicate=True),
    Input("tenant-remove-do", "n_clicks"),
    State("tenant-remove-of", "data"),
    State("tenant-remove-typed", "value"),
    prevent_initial_call=True,
)
def remove(clicks: int | None, tenant: Any, typed: Any) -> Any:
    """Takes a tenant off the list after its id was written."""
    if not clicks:
        return dash.no_update, dash.no_update
    actor = container.acting("chief")
    if not isinstance(tenant, str) or typed != tenant:
        raise ValidationError("Write the id of the tenant to confirm that it is to be taken off.")
    container.current().inventory.delete_tenant(tenant, actor.name)
    dash.set_props("toasts", {"children": done(f"{tenant} was taken off the list.")})
    return time.time(), False


def _fleet() -> Any:
    return container.current().read.fleet()


def _list(chosen: Chosen) -> TenantList:
    services, caller = container.current(), container.caller()
    fleet = services.read.fleet()
    return read(
        fleet,
        services.board.snapshot(),
        caller.scope,
        _accounts(),
        {entry.id for entry in services.inventory.entries if entry.kind == "tenant"},
        chosen,
        time.time(),
        services.settings.collect_interval,
        caller.is_a("chief"),
    )


def _accounts() -> dict[str, Any]:
    """Every tenant's account of 30 days, for the view to choose from."""
    services = container.current()

    def make() -> Kept:
        now, ids = time.time(), sorted(services.read.fleet().tenants)
        return Kept.of({"of": services.sla.accounts(ids, now - THIRTY_DAYS, now)})

    found = json.loads(services.cache.once("healthdeck:page:sla", FRESH, make).data)
    return {account["tenantId"]: account for account in found["of"]}


def _given(fields: Sequence[Any], apps: Sequence[Any], policy: Sequence[Any]) -> dict[str, Any]:
    """A tenant as the inventory takes it; nothing that was left empty. The desk judges it."""
    texts = [str(value or "").strip() for value in (*fields, *apps)]
    own = dict(zip((name for name, *_ in FIELDS), texts, strict=False))
    rest, wide = texts[len(fields) :], len(APP_FIELDS)
    written = [
        {name: text for (name, *_), text in zip(APP_FIELDS, row, strict=False) if text}
        for row in (rest[at : at + wide] for at in range(0, len(rest), wide))
    ]
    return {
        "id": own["id"],
        **({"organizationName": own["organizationName"]} if own["organizationName"] else {}),
        **({"sla": _number(own["sla"])} if own["sla"] else {}),
        "services": [row for row in written if row],
        "slaPolicy": dict(zip(POLICY, policy, strict=False)),
    }


def _number(text: str) -> Any:
    """A number where it is one, else the text, of which the inventory says what is wrong."""
    try:
        return float(text)
    except ValueError:
        return text
