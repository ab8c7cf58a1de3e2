"""A service's log and its restart: buttons for any page, and the drawer and the dialog that they
open. A page has ``actions_host()`` once; the callbacks of all pages are in pages/vps_detail.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.marks import moment

#: Milliseconds from the answer of one look at a job that has not ended to the next. An answer lets
#: the interval tick once more: Dash drops the answer of what is asked again meanwhile.
LOOK = 2000
LINES = (200, 500, 1000)

#: What a job's states mean to those who wait for it.
STEPS = (
    ("queued", "Asked for"),
    ("sent", "The agent has it"),
    ("running", "It runs"),
    ("done", "Done"),
)


def service_actions(
    vps_id: str, service: str, *, may_log: bool, may_restart: bool, label: str = ""
) -> Component:
    """The buttons of a service; ``label``: what those who listen are told it is, without one its
    name."""
    named = html.Span(f" {label or service}", className="visually-hidden")
    buttons = []
    if may_log:
        id_ = {"type": "service-log", "vps": vps_id, "service": service}
        buttons.append(_button("log", ["Log", named], id_))
    if may_restart:
        id_ = {"type": "service-restart", "vps": vps_id, "service": service}
        buttons.append(_button("restart", ["Restart…", named], id_))
    return html.Span(buttons, className="service-actions")


def actions_host() -> Component:
    """The drawer and the dialog; stands once on a page, outside of what is drawn anew."""
    return html.Div([_drawer(), _dialog()])


def log_title(vps_id: str, service: str) -> list[Component | str]:
    return ["Log of ", html.B(service), f" on {vps_id}"]


def restart_question(vps_id: str, service: str) -> list[Component | str]:
    """What a restart means, and what to type."""
    return [
        html.P(["Restarts ", html.B(service), f" on {vps_id} through the agent there. ",
                "Whoever uses it may see errors until it is up again."]),
        html.Label(["Type ", html.Code(service), " to confirm"], htmlFor="service-restart-typed"),
    ]  # fmt: skip


def log_said(*, waits: bool, trouble: str, follow: bool, now: float) -> Component:
    """How a look at a log went, at ``now`` (seconds since the epoch)."""
    if trouble:
        return html.Span(trouble, className="log-trouble")
    if waits:
        return html.Span("Asked the agent; its answer comes with its next report…")
    on = " · following: asked for again every 5 s while this is open" if follow else ""
    return html.Span(["Read ", moment(now, "at"), on])


def progress(job: Mapping[str, Any]) -> Component:
    """How far a job is, and what came out of it."""
    state = job["state"]
    ended = state in ("done", "failed", "expired")
    names = [name for name, _ in STEPS]
    at = names.index(state) if state in names else len(names) - 1
    steps = [
        html.Li(
            _ending(job) if ended and n == len(STEPS) - 1 else words,
            className=_step(n, at, ended=ended),
        )
        for n, (_, words) in enumerate(STEPS)
    ]
    output = [html.Pre(job["output"], className="job-output", tabIndex=0)] if job["output"] else []
    return html.Div([html.Ol(steps, className="job-steps"), *output], **{"data-job-state": state})


def _step(number: int, at: int, *, ended: bool) -> str:
    return "is-past" if number < at or ended else "is-now" if number == at else "is-next"


def _ending(job: Mapping[str, Any]) -> str:
    code = job["exitCode"]
    if job["state"] == "done":
        return "Done"
    if job["state"] == "expired":
        return "Not done: it came to nothing"
    return "Failed" if code is None else f"Failed with exit code {code}"


def _button(icon: str, words: list[Any], id_: Any) -> Component:
    shape = html.I(className=f"icon icon-{icon}", **{"aria-hidden": "true"})
    return html.Button([shape, html.Span(words)], id=id_, type="button", className="quiet-button")


def _drawer() -> Component:
    lines = [{"label": f"{number} lines", "value": number} for number in LINES]
    search = html.Span(
        [
            dbc.Input(id="service-log-search", type="search", placeholder="Search the log"),
            html.Span(id="service-log-count", className="aside", role="status"),
        ],
        className="log-search",
    )
    tools = html.Div(
        [
            html.Label("Search the log", htmlFor="service-log-search", className="visually-hidden"),
            search,
            html.Label("Lines", htmlFor="service-log-lines", className="visually-hidden"),
            dbc.Select(id="service-log-lines", options=lines, value=LINES[0], size="sm"),
            dbc.Switch(id="service-log-follow", label="Follow", value=False),
            _button("restart", ["Read again"], "service-log-again"),
            _button("download", ["Download"], "service-log-download"),
        ],
        className="log-tools",
    )
    return html.Div(
        [
            dcc.Store(id="service-log-target"),
            dcc.Store(id="service-log-asked"),
            dcc.Store(id="service-log-text"),
            dcc.Store(id="service-log-drawn"),
            dcc.Interval(id="service-log-tick", interval=LOOK, max_intervals=0),
            dbc.Offcanvas(
                [
                    tools,
                    html.Div(id="service-log-status", className="log-status", role="status"),
                    html.Pre(id="service-log-lines-shown", className="log-text", tabIndex=0,
                             **{"aria-label": "The log"}),
                ],
                id="service-log-drawer",
                title=html.Span(id="service-log-title"),
                placement="end",
                is_open=False,
                className="log-drawer",
            ),
        ]
    )  # fmt: skip


def _dialog() -> Component:
    return html.Div(
        [
            dcc.Store(id="service-restart-asked"),
            dcc.Store(id="service-restart-job"),
            dcc.Interval(id="service-restart-tick", interval=LOOK, max_intervals=0),
            dbc.Modal(
                [
                    dbc.ModalHeader(dbc.ModalTitle("Restart a service")),
                    dbc.ModalBody(
                        [
                            html.Div(id="service-restart-question"),
                            dbc.Input(id="service-restart-typed", type="text", value="",
                                      autocomplete="off"),
                            html.Div(id="service-restart-progress", role="status"),
                        ]
                    ),
                    dbc.ModalFooter(
                        dbc.Button("Restart", id="service-restart-go", color="primary",
                                   disabled=True)
                    ),
                ],
                id="service-restart-dialog",
                is_open=False,
                centered=True,
            ),
        ]
    )  # fmt: skip
