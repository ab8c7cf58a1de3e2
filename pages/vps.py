"""``/health/vps``: the servers as a table, and the form that adds one."""

from __future__ import annotations

import time
from typing import Any

import dash
from dash import ALL, ClientsideFunction, Input, Output, Patch, State, callback, ctx
from dash.development.base_component import Component
from flask import request

from components import vps_list
from components.vps_list import LIVE
from services import container
from services.errors import HealthdeckError
from services.identity.agent_tokens import install_command
from services.views.vps_form import entry
from services.views.vps_list import VpsList
from services.views.vps_list import vps_list as read_list

#: Rows of services that the form grows to; more of them are written as YAML.
MOST_ROWS = 20

dash.register_page(
    __name__,
    path="/health/vps",
    name="Servers",
    title="Servers · Healthdeck",
    icon="servers",
    order=2,
)


def view() -> VpsList:
    services, may_add = container.current(), container.caller().is_a("chief")
    return read_list(services.read, services.board, container.scope(), may_add=may_add)


def layout(**query: str) -> Component:
    return vps_list.page(view(), time.time(), query)


@callback(*LIVE.outputs, *LIVE.inputs, prevent_initial_call=True)
def refresh(_event: Any, _acted: Any, before: Any) -> list[Any]:
    shown = view()
    return LIVE.redraw(shown, time.time() - shown.updated_at, before)


@callback(
    Output("vps-add", "is_open"),
    Output("vps-add-body", "children"),
    Input("vps-add-open", "n_clicks"),
    prevent_initial_call=True,
)
def open_form(clicks: int | None) -> Any:
    """A new form each time."""
    if not clicks:
        return dash.no_update
    container.acting("chief")
    return True, vps_list.add_form(view().tenants)


@callback(
    Output("vps-add-services", "children"),
    Input("vps-add-more", "n_clicks"),
    prevent_initial_call=True,
)
def another_service(clicks: int | None) -> Any:
    if not clicks or clicks >= MOST_ROWS:
        return dash.no_update
    more: Any = Patch()
    more.append(vps_list.service_row(clicks))
    return more


@callback(
    Output("vps-add-url", "hidden"), Input({"type": "vps-add-field", "field": "source"}, "value")
)
def needs_address(source: object) -> bool:
    return source not in ("exporter", "health")


@callback(
    Output("vps-add-body", "children", allow_duplicate=True),
    Output("vps-add-problem", "children"),
    LIVE.acted,
    Input("vps-add-go", "n_clicks"),
    State({"type": "vps-add-field", "field": ALL}, "value"),
    State({"type": "vps-add-service", "field": ALL, "row": ALL}, "value"),
    State("vps-add-tenants", "value"),
    prevent_initial_call=True,
)
def add(clicks: int | None, _fields: Any, _services: Any, tenants: Any) -> Any:
    """Adds the server of the form, as ``POST /api/admin/health/vps`` does."""
    if not clicks:
        return dash.no_update
    try:
        return _add(tenants), dash.no_update, time.time()
    except HealthdeckError as error:
        told = vps_list.problem(error.message, error.details)
        return dash.no_update, told, dash.no_update


def _add(tenants: object) -> Component:
    actor, services = container.acting("chief"), container.current()
    fields, rows = ctx.states_list[0], dict[int, dict[str, object]]()
    for one in ctx.states_list[1]:
        rows.setdefault(one["id"]["row"], {})[one["id"]["field"]] = one.get("value")
    given = {one["id"]["field"]: one.get("value") for one in fields}
    added = services.inventory.add_vps(entry(given, rows.values(), tenants), actor.name)
    command = ""
    if added.get("source") == {"type": "agent"}:
        token = services.agent_tokens.enroll(added["id"], actor)
        command = install_command(request.url_root.rstrip("/"), token)
    return vps_list.added(added["id"], added.get("name") or added["id"], command)


dash.clientside_callback(
    ClientsideFunction("healthdeck", "vps_rows"),
    Output("vps-table", "rowData"),
    Output("vps-nomatch", "hidden"),
    Input("vps-rows", "data"),
    Input("vps-search", "value"),
    Input("vps-state", "value"),
)
dash.clientside_callback(
    ClientsideFunction("healthdeck", "vps_columns"),
    Output("vps-table", "columnDefs"),
    Input("vps-wide", "data"),
    State("vps-table", "columnDefs"),
)
