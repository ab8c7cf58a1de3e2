"""The editor of a rule, part of ``/health/alerts?tab=rules``: its callbacks. It is no page of its
own, so it calls no ``register_page``; that word is by what Dash finds this file."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, ctx
from dash.development.base_component import Component

from components import rule_editor, rule_preview, states
from components.rule_editor import LIST
from components.rule_fields import field
from components.rule_words import sentence
from services import container
from services.alerts.rules.files import read_rule, shown
from services.errors import Conflict, ValidationError
from services.views import rule_form

#: Seconds of the past that a suggestion is made of, and within which what ended was nothing.
PAST, SOON = 30 * 86400, 300.0
#: Steps that an escalation may have.
MOST_STEPS = 10
FIELDS = {"type": "rule-field", "field": ALL}
STEPS = {"type": "rule-step", "step": ALL}

clientside_callback(
    ClientsideFunction("healthdeck", "ruleDraft"),
    Output("rule-draft", "data"),
    Input(FIELDS, "value"),
)
clientside_callback(
    ClientsideFunction("healthdeck", "rulePreview"),
    Output("rule-outcome", "data"),
    Input("rule-checked", "data"),
    Input("rule-range", "value"),
    State("rule-preview-address", "data"),
    prevent_initial_call=True,
)


@callback(
    Output("rule-said", "children"),
    Output({"type": "rule-error", "field": ALL}, "children"),
    Output({"type": "rule-part", "part": ALL}, "hidden"),
    Output("rule-unit", "children"),
    Output("rule-mistakes", "children"),
    Output("rule-save", "disabled"),
    Output("rule-checked", "data"),
    Input("rule-draft", "data"),
    State("rule-base", "data"),
    prevent_initial_call=True,
)
def check(draft: Any, base: Any) -> Any:
    """The draft as a sentence, its mistakes at their fields, and whether it can be saved."""
    values = _fitting(draft)
    metric = rule_form.facts(str(values.get("metric") or ""))
    spec, problems = rule_form.spec_of(values, _spec(base))
    rule, problems = _read(spec, problems, values)
    told = {one["field"]: one["problem"] for one in reversed(problems)}
    errors = [told.pop(one["id"]["field"], "") for one in ctx.outputs_list[1]]
    parts = [_unused(one["id"]["part"], values) for one in ctx.outputs_list[2]]
    said = sentence(rule, metric, _names()) if rule else "Something is missing or wrong, below."
    more = [f"{name}: {text}" for name, text in told.items()]
    notes = rule_editor.wrong(more) if more else _warnings(rule)
    return said, errors, parts, metric["unit"], notes, not rule, {"rule": rule}


@callback(
    Output("rule-shown", "children"),
    Input("rule-outcome", "data"),
    State("rule-checked", "data"),
    prevent_initial_call=True,
)
def show(outcome: Any, checked: Any) -> Any:
    """What came of a preview."""
    if isinstance(outcome, dict) and outcome.get("error"):
        return rule_preview.refused(str(outcome["error"]))
    told, rule = _outcome(outcome, checked)
    return _drawn(lambda: rule_preview.shown(told, rule))


@callback(
    Output("rule-picture", "children"),
    Input("rule-target", "value"),
    State("rule-outcome", "data"),
    State("rule-checked", "data"),
    prevent_initial_call=True,
)
def choose(number: Any, outcome: Any, checked: Any) -> Any:
    """The course of another target."""
    told, rule = _outcome(outcome, checked)
    return _drawn(lambda: rule_preview.picture(told, rule, int(number)))


@callback(
    Output("rule-steps", "children"),
    Input("rule-step-add", "n_clicks"),
    Input({"type": "rule-step-remove", "step": ALL}, "n_clicks"),
    State(STEPS, "id"),
    prevent_initial_call=True,
)
def change_steps(added: int | None, removed: list[int | None], ids: list[Any]) -> Any:
    """One step more, or one less."""
    numbers = [one["step"] for one in ids]
    patch = dash.Patch()
    if ctx.triggered_id == "rule-step-add" and added and len(numbers) < MOST_STEPS:
        patch.append(rule_editor.step(max(numbers, default=-1) + 1, {}, _people()))
    elif isinstance(ctx.triggered_id, dict) and any(removed):
        del patch[numbers.index(ctx.triggered_id["step"])]
    else:
        return dash.no_update
    return patch


@callback(
    Output("rule-notice", "children"),
    Input("rule-save", "n_clicks"),
    State(FIELDS, "value"),
    State("rule-base", "data"),
    prevent_initial_call=True,
)
def save(clicks: int | None, _values: list[Any], base: Any) -> Any:
    """Writes the rule, and goes back to the list; somebody else's change meanwhile is told."""
    if not clicks:
        return dash.no_update
    actor, rules = container.acting("whole"), container.current().rules
    values = {one["id"]["field"]: one.get("value") for one in ctx.states_list[0]}
    spec, problems = rule_form.spec_of(values, _spec(base))
    if problems:
        raise ValidationError(problems[0]["problem"])
    try:
        if rule_id := _id(base):
            entry = rules.change(rule_id, spec, actor, _version(base.get("version")))
        else:
            entry = rules.create(spec, actor)
    except Conflict as error:
        return rule_editor.conflict(error.message, _id(base) or "new")
    _leave(f"The rule “{entry.rule.name}” is saved.")
    return dash.no_update


@callback(
    Output("rule-suggested", "children"),
    Output("rule-suggestion", "data"),
    Input("rule-suggest", "n_clicks"),
    State("rule-base", "data"),
    running=[
        (Output("rule-suggest", "disabled"), True, False),
        (
            Output("rule-suggest", "children"),
            "Trying; a minute at most ...",
            "Suggest a milder rule",
        ),
    ],
    prevent_initial_call=True,
)
def suggest(clicks: int | None, base: Any) -> Any:
    """A milder version of the saved rule."""
    if not clicks:
        return dash.no_update, dash.no_update
    container.caller().require("whole")
    now = time.time()
    found = container.current().suggestions.suggest(_id(base) or "", now - PAST, now, SOON)
    kept = found["suggestion"] and {
        "rule": found["suggestion"]["rule"],
        "version": found["version"],
    }
    return rule_preview.suggestion(found), kept


@callback(
    Output("rule-notice", "children", allow_duplicate=True),
    Input("rule-apply", "n_clicks"),
    State("rule-suggestion", "data"),
    State("rule-base", "data"),
    prevent_initial_call=True,
)
def apply(clicks: int | None, found: Any, base: Any) -> Any:
    """Puts the milder rule in force, unless somebody has changed it meanwhile."""
    if not clicks or not isinstance(found, dict) or not isinstance(found.get("rule"), dict):
        return dash.no_update
    actor, rule_id = container.acting("whole"), _id(base) or ""
    rules, version = container.current().rules, _version(found.get("version"))
    try:
        rules.change(rule_id, found["rule"], actor, version)
    except Conflict as error:
        return rule_editor.conflict(error.message, rule_id)
    _leave("The milder rule is in force.")
    return dash.no_update


def _fitting(draft: Any) -> dict[str, Any]:
    """The values of a draft. After another kind was chosen the metrics that go with it are
    offered, and one of them is taken."""
    sent = draft if isinstance(draft, dict) else {}
    values = dict(sent["values"]) if isinstance(sent.get("values"), dict) else {}
    changed = sent["changed"] if isinstance(sent.get("changed"), list) else []
    kind = str(values.get("kind"))
    if "kind" in changed:
        options = rule_form.offered(kind, _types(), str(values.get("metric") or ""))
        if values.get("metric") not in {one["value"] for one in options}:
            values["metric"] = rule_form.usual(kind)
        dash.set_props(field("metric"), {"options": options, "value": values["metric"]})
    words = rule_form.facts(str(values.get("metric") or ""))["states"]
    if kind == "state" and words and values.get("word") not in words:
        values["word"] = next(w for w in ("unhealthy", "silent", *words) if w in words)
        options = [{"label": word, "value": word} for word in words]
        dash.set_props(field("word"), {"options": options, "value": values["word"]})
    return values


def _read(
    spec: dict[str, Any], problems: list[dict[str, str]], values: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, list[dict[str, str]]]:
    """The rule that a draft is, or what is wrong with it, by field."""
    try:
        rule = read_rule(spec)
    except ValidationError as error:
        own = {one["field"] for one in problems}
        more = [
            {"field": rule_form.field_of(one["field"], values), "problem": one["problem"]}
            for one in error.details
        ]
        return None, [*problems, *(one for one in more if one["field"] not in own)]
    return (None if problems else shown(rule)), problems


def _unused(part: str, values: Mapping[str, Any]) -> bool:
    kind = values.get("kind")
    return kind != ("limit" if part == "clear" else part)


def _warnings(rule: dict[str, Any] | None) -> Component | None:
    """What the rule will not achieve, for those who may know who is told."""
    if rule is None or container.scope() is not None:
        return None
    found = container.current().rules.warnings(read_rule(rule))
    return rule_editor.notes(found) if found else None


def _outcome(outcome: Any, checked: Any) -> tuple[Any, dict[str, Any]]:
    told = outcome.get("preview") if isinstance(outcome, dict) else None
    rule = checked.get("rule") if isinstance(checked, dict) else None
    if not isinstance(told, dict) or not isinstance(rule, dict):
        raise dash.exceptions.PreventUpdate
    return told, shown(read_rule(rule))


def _drawn(draw: Any) -> Component:
    """What a browser sends as the outcome of a preview is one only if it can be drawn."""
    try:
        drawn: Component = draw()
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ValidationError("This is no preview of a rule.") from error
    return drawn


def _spec(base: Any) -> dict[str, Any] | None:
    """The rule that is edited, as far as it is one: what has no field is taken from it."""
    spec = base.get("spec") if isinstance(base, dict) else None
    if not isinstance(spec, dict) or "condition" not in spec:
        return None
    return shown(read_rule({"id": "new", **spec})) | ({} if spec.get("id") else {"id": ""})


def _id(base: Any) -> str | None:
    found = base.get("id") if isinstance(base, dict) else None
    return found if isinstance(found, str) and found else None


def _version(given: Any) -> int:
    if not isinstance(given, int):
        raise ValidationError("The version of a rule is a number; load the page again.")
    return given


def _leave(said: str) -> None:
    dash.set_props("toasts", {"children": states.done(said)})
    dash.set_props("_pages_location", {"search": "?" + LIST.partition("?")[2]})


def _types() -> Sequence[str]:
    fleet = container.current().read.fleet()
    return [one.type for one in fleet.services.values() if one.type]


def _names() -> dict[str, str]:
    read, scope = container.current().read, container.scope()
    fleet = read.fleet()
    servers = fleet.visible_vps(scope)
    names = {id_: fleet.vps[id_].label for id_ in servers}
    tenants = fleet.tenants.values()
    return names | {one.id: one.label for one in tenants if scope is None or one.id in scope}


def _people() -> list[dict[str, str]]:
    if container.scope() is not None:
        return []
    config = container.current().recipients.config
    groups = (("", config.contacts), (" (group)", config.groups), (" (on call)", config.rotations))
    return [
        {"label": f"{one.spec['name']}{kind}", "value": str(one.spec["name"])}
        for kind, entries in groups
        for one in entries
    ]
