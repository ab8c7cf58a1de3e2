"""The list of rules, each in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.links import inside
from components.marks import count, moment, named, tag
from components.states import empty

#: Rules that are drawn at once.
MOST = 200
#: What a filter says that leaves everything; a choice without a value would show no words.
ANY = "any"
SOURCES = {"file": "inventory file", "default": "default", "ui": "written here"}
EXPORT = "/api/admin/alerts/rules/export"


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule as the list has it. ``fired``: how often in the last 30 days; ``at``: seconds since
    the epoch; ``by`` None: the reader may not know."""

    id: str
    name: str
    sentence: str
    further: str
    severity: str
    enabled: bool
    source: str
    fired: int
    version: int
    at: float
    by: str | None
    warnings: tuple[str, ...] = ()


def address(rule_id: str, **more: str) -> str:
    """Where a rule's editor is."""
    rest = "".join(f"&{name}={quote(value)}" for name, value in more.items())
    return inside(f"/health/alerts?tab=rules&rule={quote(rule_id)}{rest}")


def page(lines: Sequence[RuleLine], *, writes: bool) -> Component:
    """The tab. ``writes``: the reader may change rules."""
    return html.Div(
        [
            html.Div([_filters(), _ways(writes)], className="rules-head"),
            html.Div(listed(lines, len(lines), writes=writes), id="rules-list"),
            dcc.Store(id="rules-acted"),
            dbc.Modal(id="rules-modal", is_open=False, centered=True, scrollable=True, size="lg"),
        ],
        className="rules",
    )


def listed(lines: Sequence[RuleLine], of: int, *, writes: bool) -> Component:
    """The rules that were looked for, ``of`` so many."""
    if not of:
        then: Any = [_new("Write the first rule")] if writes else "Whoever runs this adds them."
        return html.Div(empty("There is no rule, so nobody is told of anything.", then))
    if not lines:
        return empty("No rule is like that.", "Search for less, or show all of them.")
    rows = html.Ul([_row(line, writes=writes) for line in lines[:MOST]], className="card rows")
    left = len(lines) - MOST
    said = f"{count(len(lines), 'rule')}" + (f" of {of}" if len(lines) < of else "")
    return html.Div(
        [
            html.P(said, className="aside rules-count", role="status"),
            rows,
            html.P(f"{left} more: search for them.", className="aside") if left > 0 else None,
        ]
    )


def _filters() -> Component:
    return html.Div(
        [
            named(
                "Search rules by name, id and words",
                dcc.Input(
                    id="rules-search",
                    type="search",
                    debounce=0.3,
                    placeholder="Search rules",
                    value="",
                ),
            ),
            _select("rules-severity", "Severity", ["critical", "warning", "info"], "any severity"),
            _select("rules-state", "State", ["enabled", "disabled", "fired lately"], "all rules"),
        ],
        className="rules-filters",
    )


def _select(id: str, label: str, values: Sequence[str], every: str) -> Component:
    options = [{"label": every, "value": ANY}, *({"label": v, "value": v} for v in values)]
    return named(label, dbc.Select(id=id, options=options, value=ANY))


def _ways(writes: bool) -> Component | None:
    if not writes:
        return None
    return html.Div(
        [
            html.A(
                [html.I(className="icon icon-download"), "Export"],
                href=inside(EXPORT),
                download="healthdeck-rules.yml",
                className="btn btn-sm btn-outline-secondary",
            ),
            dbc.Button(
                "Import",
                id={"type": "rules-import-open", "at": "head"},
                outline=True,
                color="secondary",
                size="sm",
            ),
            _new("New rule"),
        ],
        className="rules-ways",
    )


def _new(text: str) -> Component:
    return dcc.Link(
        [html.I(className="icon icon-plus"), text],
        href=address("new"),
        className="btn btn-sm btn-primary",
    )


def _row(line: RuleLine, *, writes: bool) -> Component:
    main = html.Div(
        [
            html.Div(
                [
                    html.H3(dcc.Link(line.name, href=address(line.id)) if writes else line.name),
                    tag(line.severity),
                    None if line.enabled else html.Span("disabled", className="chip off"),
                ],
                className="rule-name",
            ),
            html.P(line.sentence, className="rule-said"),
            html.P(line.further, className="aside") if line.further else None,
            *[html.P(text, className="rule-warning") for text in line.warnings],
            html.P(_about(line), className="aside rule-about"),
        ],
        className="rule-main",
    )
    return html.Li(
        [_switch(line, writes=writes), main, _acts(line) if writes else None],
        className=f"rule-row{'' if line.enabled else ' is-off'}",
        **{"data-testid": "rule-row", "data-rule": line.id},
    )


def _about(line: RuleLine) -> list[Any]:
    fired: Any = "not fired in 30 days"
    if line.fired:
        times = "once" if line.fired == 1 else f"{line.fired:,} times"
        where = inside(f"/health/alerts?tab=history&rule={quote(line.id)}&range=30d")
        fired = dcc.Link(f"fired {times} in 30 days", href=where)
    parts: list[Any] = [fired, f" · {SOURCES.get(line.source, line.source)}"]
    if line.source != "file":
        parts += [f" · version {line.version}, ", moment(line.at, "ago")]
    if line.source == "ui" and line.by:
        parts.append(f" by {line.by}")
    return parts


def _switch(line: RuleLine, *, writes: bool) -> Component:
    fixed = not writes or line.source == "file"
    why = "It stands in the inventory file; change it there." if line.source == "file" else None
    return html.Button(
        html.I(className="switch"),
        id={"type": "rule-switch", "rule": line.id, "version": line.version},
        type="button",
        disabled=fixed,
        className="switch-button",
        title=why if writes else None,
        role="switch",
        **{"aria-checked": str(line.enabled).lower(), "aria-label": f"{line.name} is enabled"},
    )


def _acts(line: RuleLine) -> Component:
    def act(kind: str, icon: str, label: str) -> Component:
        return html.Button(
            html.I(className=f"icon icon-{icon}"),
            id={"type": kind, "rule": line.id},
            type="button",
            className="chip icon-button",
            title=label,
            **{"aria-label": f"{label} {line.name}"},
        )

    def way(icon: str, label: str, href: str) -> Component:
        return dcc.Link(
            [
                html.I(className=f"icon icon-{icon}"),
                html.Span(f"{label} {line.name}", className="visually-hidden"),
            ],
            href=href,
            className="chip icon-button",
            title=label,
        )

    return html.Div(
        [
            way("edit", "Edit", address(line.id)),
            way("copy", "Duplicate", address("new", of=line.id)),
            act("rule-versions", "log", "Versions of"),
            None if line.source == "file" else act("rule-ask", "trash", "Delete"),
        ],
        className="rule-acts",
    )
