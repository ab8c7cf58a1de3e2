"""The log and the restart of a service, for every page that has ``components.logs.actions_host``.
It is no page of its own, so it calls no ``register_page``; that word is by what Dash finds this
file."""

from __future__ import annotations

import time
from typing import Any

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, callback, ctx
from dash.exceptions import PreventUpdate

from components import logs, states
from services import container
from services.collect import following
from services.collect.actions import UNFINISHED
from services.errors import NotFound, ValidationError


@callback(
    Output("service-log-target", "data"),
    Output("service-log-drawer", "is_open"),
    Output("service-log-title", "children"),
    Output("service-log-follow", "value"),
    Output("service-log-search", "value"),
    Input({"type": "service-log", "vps": ALL, "service": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def open_log(_clicks: Any) -> Any:
    vps_id, service = _pressed()
    container.acting("whole")
    # Another object each time, so that a log that is opened again is read again.
    target = {"vps": vps_id, "service": service, "opened": time.time()}
    return target, True, logs.log_title(vps_id, service), False, ""


@callback(
    Output("service-log-asked", "data"),
    Output("service-log-text", "data"),
    Output("service-log-status", "children"),
    Output("service-log-tick", "max_intervals"),
    Input("service-log-target", "data"),
    Input("service-log-lines", "value"),
    Input("service-log-again", "n_clicks"),
    Input("service-log-follow", "value"),
    Input("service-log-tick", "n_intervals"),
    State("service-log-drawer", "is_open"),
    State("service-log-asked", "data"),
    prevent_initial_call=True,
)
def read_log(
    target: Any, lines: Any, _again: Any, follow: Any, ticks: Any, is_open: Any, asked: Any
) -> Any:
    """One look at the log that is open; the interval goes on while there is more to come."""
    if not is_open or not isinstance(target, dict):
        return dash.no_update, dash.no_update, "", 0
    anew = ctx.triggered_id not in ("service-log-tick", "service-log-follow")
    number = int(lines) if str(lines).isdecimal() else 0
    place = (str(target.get("vps")), str(target.get("service")))
    actor, actions = container.acting("whole"), container.current().actions
    now, following_on = time.time(), follow is True
    look = following.look(
        actions, place, number, None if anew else asked, actor, now, follow=following_on
    )
    new = {"log": look.log, "follow": following_on, "name": "-".join(place)}
    fresh = ctx.triggered_id == "service-log-target" and look.log is None
    text = new if look.log is not None else {**new, "log": ""} if fresh else dash.no_update
    at = look.asked["at"] if not look.waits else now
    said = logs.log_said(waits=look.waits, trouble=look.trouble, follow=following_on, now=at)
    more = look.waits or (following_on and not look.trouble)
    return look.asked, text, said, _once_more(ticks) if more else 0


@callback(
    Output("service-restart-asked", "data"),
    Output("service-restart-dialog", "is_open"),
    Output("service-restart-question", "children"),
    Output("service-restart-typed", "value"),
    Output("service-restart-progress", "children"),
    Output("service-restart-job", "data"),
    Input({"type": "service-restart", "vps": ALL, "service": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def ask_restart(_clicks: Any) -> Any:
    vps_id, service = _pressed()
    container.acting("chief")
    asked = {"vps": vps_id, "service": service}
    return asked, True, logs.restart_question(vps_id, service), "", None, None


@callback(
    Output("service-restart-job", "data", allow_duplicate=True),
    Output("service-restart-progress", "children", allow_duplicate=True),
    Output("service-restart-tick", "max_intervals"),
    Input("service-restart-go", "n_clicks"),
    State("service-restart-asked", "data"),
    State("service-restart-typed", "value"),
    State("service-restart-tick", "n_intervals"),
    prevent_initial_call=True,
)
def restart(clicks: int | None, asked: Any, typed: Any, ticks: Any) -> Any:
    """Asks the agent for the restart, once the name was typed."""
    if not clicks or not isinstance(asked, dict):
        raise PreventUpdate
    actor, name = container.acting("chief"), str(asked.get("service"))
    if typed != name:
        raise ValidationError("Type the name of the service to restart it.")
    job = container.current().actions.restart(str(asked.get("vps")), name, actor)
    return job["id"], logs.progress(job), _once_more(ticks)


@callback(
    Output("service-restart-progress", "children", allow_duplicate=True),
    Output("service-restart-tick", "max_intervals", allow_duplicate=True),
    Input("service-restart-tick", "n_intervals"),
    State("service-restart-job", "data"),
    State("service-restart-dialog", "is_open"),
    prevent_initial_call=True,
)
def follow_restart(ticks: Any, job_id: Any, is_open: Any) -> Any:
    """How far the restart is; asks only while it runs and is looked at."""
    if not is_open or not isinstance(job_id, str):
        return dash.no_update, 0
    container.acting("whole")
    job = container.current().actions.job(job_id)
    if job["state"] == "done":
        done = states.done(f"{job['serviceName']} on {job['vpsId']} was restarted.")
        dash.set_props("toasts", {"children": done})
    return logs.progress(job), _once_more(ticks) if job["state"] in UNFINISHED else 0


dash.clientside_callback(
    ClientsideFunction("healthdeck", "restart_ready"),
    Output("service-restart-go", "disabled"),
    Input("service-restart-typed", "value"),
    Input("service-restart-asked", "data"),
    Input("service-restart-job", "data"),
)
dash.clientside_callback(
    ClientsideFunction("healthdeck", "show_log"),
    Output("service-log-count", "children"),
    Input("service-log-text", "data"),
    Input("service-log-search", "value"),
    Input("service-log-drawer", "is_open"),
)
dash.clientside_callback(
    ClientsideFunction("healthdeck", "download_log"),
    Input("service-log-download", "n_clicks"),
    State("service-log-text", "data"),
    prevent_initial_call=True,
)


def _once_more(ticks: object) -> int:
    """How often an interval that has ticked so often may have ticked after the next time."""
    return ticks + 1 if isinstance(ticks, int) else 1


def _pressed() -> tuple[str, str]:
    """Server and service of the button that was pressed; a drawing anew presses none."""
    if not ctx.triggered_id or not ctx.triggered[0]["value"]:
        raise PreventUpdate
    vps_id, service = ctx.triggered_id["vps"], ctx.triggered_id["service"]
    if not isinstance(vps_id, str) or not isinstance(service, str):
        raise NotFound("There is no such service.")
    return vps_id, service
