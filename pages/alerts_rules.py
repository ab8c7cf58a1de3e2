"""The rules' tab of ``/health/alerts``: its callbacks. It is no page of its own, so it calls no
``register_page``; that word is by what Dash finds this file."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import dash
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
)
from dash.development.base_component import Component

from components import rule_dialogs, rule_editor, rules_tab, states
from components.links import inside
from components.rule_words import further, sentence
from components.rules_tab import RuleLine
from services import container
from services.alerts.rules.desk import Entry
from services.alerts.rules.files import shown, without_secrets
from services.alerts.rules.sight import Sight
from services.errors import HealthdeckError, ValidationError
from services.insights.grid import counted
from services.views import rule_form

#: Seconds of what counts as lately.
LATELY = 30 * 86400
#: Versions that are listed.
VERSIONS = 50
MODAL = (
    Output("rules-modal", "children", allow_duplicate=True),
    Output("rules-modal", "is_open", allow_duplicate=True),
)
ACTED = Output("rules-acted", "data", allow_duplicate=True)
#: What a new rule begins with.
FIRST = {
    "severity": "warning",
    "condition": {"metric": "system.cpu.usage", "operator": "greaterThan", "value": 85.0,
                  "duration": 300.0},
    "notification": {"channels": ["inApp", "email"]},
}  # fmt: skip


@callback(Output("rules-tab", "children"), Input("rules-query", "data"))
def draw(query: Any) -> Component:
    """The list, or the editor of the rule that the address names."""
    asked = query if isinstance(query, dict) else {}
    rule_id, of = asked.get("rule"), asked.get("of")
    try:
        if isinstance(rule_id, str) and rule_id:
            return _editor(rule_id, of if isinstance(of, str) else "")
        return rules_tab.page(_lines(), writes=_writes())
    except HealthdeckError as error:
        return states.empty(error.message, [dcc.Link("All rules", inside(rule_editor.LIST))])


@callback(
    Output("rules-list", "children"),
    Input("rules-acted", "data"),
    Input("rules-search", "value"),
    Input("rules-severity", "value"),
    Input("rules-state", "value"),
    prevent_initial_call=True,
)
def search(_acted: Any, text: Any, severity: Any, state: Any) -> Component:
    """The rules that hold every word that is looked for."""
    lines = _lines()
    words = text.casefold().split() if isinstance(text, str) else []
    found = [line for line in lines if _fits(line, words, severity, state)]
    return rules_tab.listed(found, len(lines), writes=_writes())


@callback(
    ACTED,
    Input({"type": "rule-switch", "rule": ALL, "version": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def switch(clicks: list[int | None]) -> Any:
    """Turns a rule on or off, of the version that the reader sees."""
    rule_id, version = _pressed(clicks)
    actor = container.acting("whole")
    rules = container.current().rules
    rule = rules.get(rule_id).rule
    spec = {**shown(rule), "enabled": not rule.enabled}
    rules.change(rule_id, spec, actor, version)
    _done(f"“{rule.name}” is {'disabled' if rule.enabled else 'enabled'}.")
    return time.time()


@callback(
    *MODAL,
    Input({"type": "rule-ask", "rule": ALL}, "n_clicks"),
    Input({"type": "rule-versions", "rule": ALL}, "n_clicks"),
    Input({"type": "rules-import-open", "at": ALL}, "n_clicks"),
    Input({"type": "rules-close", "at": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def open_dialog(*clicks: list[int | None]) -> Any:
    """What is asked or shown in front of the list."""
    rule_id, _ = _pressed([one for group in clicks for one in group])
    container.caller().require("whole")
    match ctx.triggered_id["type"]:
        case "rule-ask":
            return rule_dialogs.confirmation(_line(container.current().rules.get(rule_id))), True
        case "rule-versions":
            return _versions(rule_id), True
        case "rules-import-open":
            return rule_dialogs.importing(), True
    return dash.no_update, False


@callback(
    ACTED,
    Output("rules-modal", "is_open", allow_duplicate=True),
    Input({"type": "rule-delete", "rule": ALL, "version": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def delete(clicks: list[int | None]) -> Any:
    """Takes a rule away, once that was confirmed."""
    rule_id, version = _pressed(clicks)
    container.current().rules.delete(rule_id, container.acting("whole"), version)
    _done(f"The rule {rule_id} is deleted.")
    return time.time(), False


@callback(
    Output("rules-found", "children"),
    Output("rules-import", "disabled", allow_duplicate=True),
    Input("rules-check", "n_clicks"),
    State("rules-yaml", "value"),
    State("rules-replace", "value"),
    prevent_initial_call=True,
)
def look_at(_clicks: Any, text: Any, replace: Any) -> Any:
    """What an import would do, or every mistake in it."""
    actor = container.acting("whole")
    try:
        plan = container.current().rules.import_(_yaml(text), actor, bool(replace), dry_run=True)
    except HealthdeckError as error:
        return rule_dialogs.mistakes(error.message, error.details), True
    parts = {"created": plan.created, "changed": plan.changed, "deleted": plan.deleted}
    return rule_dialogs.found({**parts, "unchanged": plan.unchanged}), not any(parts.values())


@callback(
    ACTED,
    Output("rules-modal", "is_open", allow_duplicate=True),
    Input("rules-import", "n_clicks"),
    State("rules-yaml", "value"),
    State("rules-replace", "value"),
    prevent_initial_call=True,
)
def take_in(_clicks: Any, text: Any, replace: Any) -> Any:
    """Takes in what was looked at."""
    actor = container.acting("whole")
    done = container.current().rules.import_(_yaml(text), actor, bool(replace))
    parts = (f"{len(done.created)} new", f"{len(done.changed)} changed",
             f"{len(done.deleted)} deleted")  # fmt: skip
    _done(f"The rules are imported: {', '.join(parts)}.")
    return time.time(), False


clientside_callback(
    ClientsideFunction("healthdeck", "readFile"),
    Output("rules-yaml", "value"),
    Input("rules-file", "contents"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("healthdeck", "always"),
    Output("rules-import", "disabled", allow_duplicate=True),
    Input("rules-yaml", "value"),
    Input("rules-replace", "value"),
    prevent_initial_call=True,
)


def _writes() -> bool:
    return container.caller().is_a("whole")


def _pressed(clicks: Iterable[int | None]) -> tuple[str, int]:
    """The rule whose button was pressed, and its version on the screen."""
    if not any(clicks) or not isinstance(ctx.triggered_id, dict):
        raise dash.exceptions.PreventUpdate
    rule_id, version = ctx.triggered_id.get("rule"), ctx.triggered_id.get("version", 0)
    if not isinstance(version, int):
        raise ValidationError("The version of a rule is a number.")
    return str(rule_id), version


def _done(text: str) -> None:
    dash.set_props("toasts", {"children": states.done(text)})


def _yaml(text: Any) -> str:
    return text if isinstance(text, str) else ""


def _lines() -> list[RuleLine]:
    """The rules that the caller may know of, by name."""
    services, scope = container.current(), container.scope()
    fleet, now = services.read.fleet(), time.time()
    sight = Sight.of(fleet, scope)
    fired = counted(services.database, fleet, now - LATELY, now, scope)
    found = [entry for entry in services.rules.all() if sight.sees(entry.rule)]
    found.sort(key=lambda entry: (entry.rule.name.casefold(), entry.rule.id))
    return [_line(entry, fired[entry.rule.id]) for entry in found]


def _line(entry: Entry, fired: int = 0) -> RuleLine:
    rule, spec, limited = entry.rule, shown(entry.rule), container.scope() is not None
    if limited:
        for plan in (spec.setdefault("notification", {}), *spec.get("escalation", ())):
            plan["recipients"] = None
    said, more = _words(spec)
    return RuleLine(
        rule.id, rule.name, said, more, str(rule.severity), rule.enabled, entry.source, fired,
        entry.version, entry.at, None if limited else entry.by,
        () if limited or not rule.enabled else container.current().rules.warnings(rule),
    )  # fmt: skip


def _words(spec: dict[str, Any]) -> tuple[str, str]:
    metric = rule_form.facts(spec["condition"]["metric"])
    return sentence(spec, metric, _names()), further(spec, metric["unit"])


def _names() -> dict[str, str]:
    fleet = container.current().read.fleet()
    names = {one.id: one.label for one in fleet.vps.values()}
    return names | {one.id: one.label for one in fleet.tenants.values()}


def _fits(line: RuleLine, words: Sequence[str], severity: Any, state: Any) -> bool:
    text = f"{line.name}\n{line.id}\n{line.sentence}\n{line.further}".casefold()
    right = {"enabled": line.enabled, "disabled": not line.enabled, "fired lately": line.fired > 0}
    return (
        all(word in text for word in words)
        and severity in (None, rules_tab.ANY, line.severity)
        and right.get(str(state), True)
    )


def _versions(rule_id: str) -> list[Component]:
    past = container.current().rules.versions(rule_id, VERSIONS)
    said = [_words(without_secrets(dict(one.spec))) if one.spec else ("", "") for one in past]
    rows = [
        {"version": one.version, "at": one.at, "by": one.by, "sentence": words, "further": more}
        for one, (words, more) in zip(past, said, strict=True)
    ]
    return rule_dialogs.versions(rule_id, rows)


def _editor(rule_id: str, of: str) -> Component:
    """The editor of a rule, of a new one, or of a new one like another."""
    container.caller().require("whole")
    rules = container.current().rules
    base: dict[str, Any] = {"id": None, "version": None, "spec": {}, "fixed": None}
    spec: dict[str, Any] = FIRST
    if rule_id != "new":
        entry = rules.get(rule_id)
        spec = shown(entry.rule)
        fixed = "This rule stands in the inventory file: change it there, or duplicate it here."
        base = {"id": rule_id, "version": entry.version, "spec": spec,
                "fixed": fixed if entry.source == "file" else None}  # fmt: skip
    elif of:
        spec = {**shown(rules.get(of).rule), "id": ""}
        spec["name"] = f"{spec['name'][:190]} (copy)"
        base["spec"] = {key: value for key, value in spec.items() if key != "id"}
    values = rule_form.values_of(spec)
    steps = rule_form.steps(values)
    return rule_editor.editor(values, base, _options(values), steps)


def _options(values: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """What can be chosen in the form."""
    fleet, config = container.current().read.fleet(), container.current().recipients.config
    types = (service.type for service in fleet.services.values() if service.type)
    names = sorted({key.partition("/")[2] for key in (*fleet.services, *fleet.applications)})
    groups = (("", config.contacts), (" (group)", config.groups), (" (on call)", config.rotations))
    return {
        "metric": rule_form.offered(values["kind"], types, values["metric"]),
        "vps": [{"label": one.label, "value": one.id} for one in fleet.vps.values()],
        "service": [{"label": name, "value": name} for name in names],
        "tenant": [{"label": one.label, "value": one.id} for one in fleet.tenants.values()],
        "tags": [
            {"label": tag, "value": tag}
            for tag in sorted({tag for one in fleet.vps.values() for tag in one.tags})
        ],
        "recipients": [
            {"label": f"{one.spec['name']}{kind}", "value": str(one.spec["name"])}
            for kind, entries in groups
            for one in entries
        ],
    }  # fmt: skip
