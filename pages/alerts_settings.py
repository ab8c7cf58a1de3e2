"""The tab ``settings`` of ``/health/alerts``: who is told how, what messages say, when nobody is
told, and what was sent.

Dash reads this file, for the word register_page stands in it; it is no page of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, ctx
from dash.development.base_component import Component

from components import channel_settings, people_settings, quiet_settings, states, template_settings
from components.people_settings import FORMS
from components.setting_forms import Dialog, Outcome, given, named, pressed, side_links, text
from services import container
from services.alerts.quiet.now import Quiet, Silence, Subject
from services.alerts.quiet.schedules import Span
from services.alerts.quiet.specs import Maintenance, NewSilence
from services.alerts.quiet.windows import occurrences
from services.errors import HealthdeckError, NotFound, ValidationError
from services.inventory.people import Rotation
from services.notify.address import EVERYONE
from services.notify.config_desk import Entry
from services.notify.listing import Wanted
from services.notify.oncall import who_is_on_call
from services.notify.templates.parts import PARTS
from services.notify.templates.variables import VARIABLES
from services.notify.trial import missing
from services.rule import Channel
from services.times import iso
from services.views.checked import checked

WHOLE = (("people", "People"), ("channels", "Channels"), ("templates", "Templates"))
EVERYBODY = (("maintenance", "Maintenance"), ("silences", "Silences"), ("messages", "Messages"))
MONTH, YEAR = 31 * 86400.0, 366 * 86400.0
MOST_LISTED, MOST_WINDOWS, MESSAGES = 200, 400, 50

Fields = Mapping[str, Any]
Body = dict[str, Any]


@callback(Output("alertsettings-tab", "children"), Input("alertsettings-query", "data"))
def draw(query: Any) -> Any:
    """The tab with its side links."""
    sections = [*(WHOLE if container.caller().is_a("whole") else ()), *EVERYBODY]
    chosen = _chosen(query)
    base = "/health/alerts?tab=settings&section="
    links = side_links(base, sections, chosen, "Sections of the alert settings")
    return FORMS.frame(links, SECTIONS[chosen](_texts(query)))


@callback(
    Output(FORMS.place("body"), "children"),
    Input(FORMS.place("acted"), "data"),
    State("alertsettings-query", "data"),
    prevent_initial_call=True,
)
def redraw(acted: Any, query: Any) -> Any:
    """The section anew after something was changed."""
    return SECTIONS[_chosen(query)](_texts(query)) if acted else dash.no_update


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
        outcome = _one_of(DEED, asked["what"])(asked["key"], given(ctx.states_list[0]))
    except HealthdeckError as error:
        if asked["what"] == "resend":
            raise
        return FORMS.refused(error.message, error.details, names)
    if outcome.said:
        dash.set_props("toasts", {"children": states.done(outcome.said)})
    return FORMS.after(outcome, names, time.time())


clientside_callback(
    ClientsideFunction("healthdeck", "typed"),
    Output(FORMS.place("typed"), "data"),
    Input(FORMS.id("field", ALL), "value"),
)


@callback(
    Output(FORMS.button("look", ALL, ALL), "children"),
    Input(FORMS.place("typed"), "data"),
    State(FORMS.id("field", ALL), "value"),
)
def look(_typed: Any, _values: Any) -> list[Any]:
    """What the draft in the form would do."""
    fields = given(ctx.states_list[0])
    asked = [one["id"] for one in ctx.outputs_list or ()]
    return [_one_of(LOOK, one["what"])(str(one["key"]), fields) for one in asked]


clientside_callback(
    ClientsideFunction("healthdeck", "variant"),
    Output(FORMS.id("variant", ALL), "className"),
    Input(FORMS.id("field", ALL), "value"),
    State(FORMS.id("field", ALL), "id"),
    State(FORMS.id("variant", ALL), "id"),
)
clientside_callback(
    ClientsideFunction("healthdeck", "closed"),
    Output(FORMS.place("dialog"), "is_open", allow_duplicate=True),
    Input(FORMS.place("close"), "n_clicks"),
    prevent_initial_call=True,
)


# ---- sections ----
def _people(_query: Fields) -> Component:
    config, chief = container.current().recipients.config, container.caller().is_a("chief")
    container.acting("whole")
    return people_settings.people(
        [_shown(one) for one in config.contacts],
        [_shown(one) for one in config.groups],
        [_shown(one) for one in config.rotations],
        chief,
    )


def _shown(entry: Entry) -> Body:
    found: Body = {**entry.spec, "readOnly": entry.read_only, "problem": entry.problem}
    if isinstance(entry.model, Rotation):
        duty = who_is_on_call(entry.model, time.time())
        found["now"] = {"contact": duty.contact, "until": duty.until}
    else:
        found.setdefault("now", {"contact": None, "until": None})
    return found


def _channels(_query: Fields) -> Component:
    container.acting("whole")
    contacts = container.current().recipients.contacts()
    rows = []
    for channel in Channel:
        lacking, reach = _lacking(channel), sum(1 for c in contacts if c.address(channel))
        rows.append({
            "name": str(channel), "ready": lacking is None, "why": lacking,
            "contacts": None if channel is Channel.IN_APP else reach,
        })  # fmt: skip
    return channel_settings.channels(rows)


def _lacking(channel: Channel) -> str | None:
    if names := missing(container.current().settings, channel):
        return f"Set {', '.join(names)}."
    if channel is Channel.APPRISE and find_spec("apprise") is None:
        return "Install requirements-apprise.txt."
    return None


def _templates(_query: Fields) -> Component:
    container.acting("whole")
    found = container.current().templates.all()
    return template_settings.templates([
        {"channel": one.channel, "event": one.event, "at": one.at, "by": one.by} for one in found
    ])  # fmt: skip


def _maintenance(_query: Fields) -> Component:
    quiet, scope, now = container.current().quiet, container.scope(), time.time()
    found, _ = quiet.list_maintenance(scope, None, None, MOST_LISTED)
    windows, whole = quiet.calendar(scope, now, now + MONTH, MOST_WINDOWS)
    return quiet_settings.maintenance(found, windows, whole, now)


def _silences(_query: Fields) -> Component:
    scope = container.scope()
    found, _ = container.current().quiet.list_silences(scope, None, None, MOST_LISTED)
    return quiet_settings.silences(found)


def _messages(query: Fields) -> Component:
    statuses, channels, events = (
        (query[name],) if query.get(name) else () for name in ("status", "channel", "event")
    )
    wanted = Wanted(statuses, channels, events, query.get("recipient") or None)
    at, _, id_ = query.get("before", "").partition("~")
    after = (float(at), id_) if id_ and at.replace(".", "", 1).isdigit() else None
    page = container.current().notifications.list(wanted, MESSAGES, after, container.scope())
    rows = [
        {"id": row.id, "at": row.created_at, "status": row.status, "event": row.event,
         "channel": row.channel, "recipient": row.recipient, "alertId": row.alert_id,
         "reason": row.reason, "body": dict(row.body),
         "detail": row.detail if container.scope() is None else ""}
        for row in page.rows
    ]  # fmt: skip
    older = f"{page.last[0]!r}~{page.last[1]}" if page.last else None
    return channel_settings.messages(rows, query, older, container.caller().is_a("whole"))


SECTIONS: Mapping[str, Callable[[Fields], Component]] = {
    "people": _people, "channels": _channels, "templates": _templates,
    "maintenance": _maintenance, "silences": _silences, "messages": _messages,
}  # fmt: skip


def _chosen(query: Any) -> str:
    asked = _texts(query).get("section", "")
    first = "people" if container.caller().is_a("whole") else "maintenance"
    allowed = SECTIONS if first == "people" else dict(EVERYBODY)
    return asked if asked in allowed else first


def _texts(query: Any) -> dict[str, str]:
    found = query if isinstance(query, dict) else {}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _one_of(table: Mapping[str, Any], what: str) -> Any:
    if what not in table:
        raise NotFound(f"There is no '{what[:50]}' here.")
    return table[what]


# ---- people ----
_PARTS = {"contact": "contacts", "group": "groups", "rotation": "onCall"}


def _person_form(what: str) -> Callable[[str], Dialog]:
    def form(name: str) -> Dialog:
        container.acting("chief")
        config = container.current().recipients.config
        key, one = f"{config.version}:{name}", _written(what, name) if name else None
        names = [str(c.spec["name"]) for c in config.contacts]
        if what == "contact":
            return people_settings.contact_form(key, one)
        if what == "group":
            return people_settings.group_form(key, one, names)
        return people_settings.rotation_form(key, one, names)

    return form


def _ours() -> dict[str, list[Body]]:
    """What was written here, as it may be sent back."""
    config = container.current().recipients.config
    lists = zip(_PARTS.values(), (config.contacts, config.groups, config.rotations), strict=True)
    return {part: [dict(e.spec) for e in found if not e.read_only] for part, found in lists}


def _written(what: str, name: str) -> Body:
    found = [one for one in _ours()[_PARTS[what]] if one["name"] == name]
    if not found:
        raise NotFound(f"There is no {what} '{name}' that was written here.")
    return found[0]


def _put_person(what: str) -> Callable[[str, Fields], Outcome]:
    def put(key: str, fields: Fields) -> Outcome:
        actor, (version, _, name) = container.acting("chief"), key.partition(":")
        before = _written(what, name) if name else None
        if what == "contact":
            spec = people_settings.contact_spec(fields, before)
        elif what == "group":
            spec = people_settings.group_spec(fields)
        else:
            spec = people_settings.rotation_spec(fields)
        whole = _ours()
        others = whole[_PARTS[what]]
        if before is None:
            others.append(spec)
        else:
            others[others.index(before)] = spec
        container.current().recipients.save(whole, actor, _version(version))
        return Outcome(f"{what.capitalize()} {spec['name']} is saved.")

    return put


def _drop_person(what: str) -> Callable[[str, Fields], Outcome]:
    def drop(key: str, _fields: Fields) -> Outcome:
        actor, (version, _, name) = container.acting("chief"), key.partition(":")
        whole = _ours()
        whole[_PARTS[what]].remove(_written(what, name))
        container.current().recipients.save(whole, actor, _version(version))
        return Outcome(f"{what.capitalize()} {name} is gone.")

    return drop


def _version(written: str) -> int:
    return int(written) if written.isdigit() and len(written) < 10 else -1


def _drop_form(what: str) -> Callable[[str], Dialog]:
    def form(name: str) -> Dialog:
        container.acting("chief")
        key = f"{container.current().recipients.config.version}:{_written(what, name)['name']}"
        then = "Rules that name it tell nobody by it any more."
        return FORMS.confirm(f"{what}-delete", key, f"{what} {name}", then)

    return form


def _test_form(key: str) -> Dialog:
    container.acting("whole")
    kind, _, name = key.partition(":")
    config = container.current().recipients.config
    entries = {str(one.spec["name"]): one.spec for one in config.contacts}
    if kind == "contact" and name in entries:
        ways = people_settings.channels_of(entries[name])
        return channel_settings.test_form(key, name, ways, ())
    who = [n for n, spec in entries.items() if name in dict(people_settings.channels_of(spec))]
    return channel_settings.test_form(key, name, (), who)


def _test(key: str, fields: Fields) -> Outcome:
    actor, (kind, _, name) = container.acting("whole"), key.partition(":")
    channel = text(fields, "channel") if kind == "contact" else name
    if channel not in list(Channel):
        raise ValidationError(f"There is no channel '{channel[:30]}'.")
    who = name if kind == "contact" else text(fields, "recipient")
    if channel == Channel.IN_APP:
        who = EVERYONE
    if not who:
        problem = {"field": "recipient", "problem": "say whom; a contact or an address"}
        raise ValidationError("A test needs a recipient.", [problem])
    found = [
        {"recipient": one.recipient, "ok": one.ok, "status": one.outcome.status.value,
         "detail": one.outcome.detail, "seconds": one.seconds}
        for one in container.current().trials.send(channel, who[:320], actor)
    ]  # fmt: skip
    return Outcome(shown=channel_settings.answers(name, found))


# ---- templates ----
def _template_form(key: str) -> Dialog:
    container.acting("whole")
    channel, _, event = key.partition("/")
    found = [
        one
        for one in container.current().templates.all()
        if (one.channel, one.event) == (channel, event)
    ]
    if not found:
        raise NotFound(f"There is no template '{key[:60]}'.")
    alerts = container.current().read.alerts(container.scope(), limit=20).rows
    one = {"channel": channel, "event": event, "parts": dict(found[0].parts), "at": found[0].at}
    return template_settings.template_form(
        one, VARIABLES, [(str(a["id"]), str(a["title"])) for a in alerts]
    )


def _sources(key: str, fields: Fields) -> tuple[str, str, dict[str, str]]:
    channel, _, event = key.partition("/")
    parts = {part: fields.get(part) for part in PARTS.get(channel, ())}
    return channel, event, {part: str(said or "") for part, said in parts.items()}


def _look_at_template(key: str, fields: Fields) -> Component:
    container.acting("whole")
    channel, event, parts = _sources(key, fields)
    alert = text(fields, "alert") or None
    try:
        texts = container.current().templates.preview(channel, event, parts, alert)
    except HealthdeckError as error:
        return template_settings.mistakes(error.message, error.details)
    return template_settings.preview({part: getattr(texts, part) for part in parts})


def _put_template(key: str, fields: Fields) -> Outcome:
    actor, (channel, event, parts) = container.acting("whole"), _sources(key, fields)
    container.current().templates.save(channel, event, parts, actor)
    return Outcome(f"The template {key} is saved.")


def _reset_template(key: str, _fields: Fields) -> Outcome:
    channel, _, event = key.partition("/")
    container.current().templates.reset(channel, event, container.acting("whole"))
    return Outcome(f"The template {key} is the default again.")


# ---- maintenance and silences ----
def _maintenance_form(key: str) -> Dialog:
    one = container.current().quiet.maintenance(key, container.scope()) if key else None
    return quiet_settings.maintenance_form(key, one)


def _draft(key: str, fields: Fields) -> Maintenance:
    before = container.current().quiet.maintenance(key, container.scope()) if key else None
    return checked(Maintenance, quiet_settings.maintenance_spec(fields, before))


def _put_maintenance(key: str, fields: Fields) -> Outcome:
    quiet, actor, draft = container.current().quiet, container.acting(), _draft(key, fields)
    if key:
        quiet.change_maintenance(key, draft, container.scope(), actor)
    else:
        quiet.add_maintenance(draft, container.scope(), actor)
    return Outcome(f"Maintenance {draft.name} is planned.")


def _look_at_maintenance(key: str, fields: Fields) -> Any:
    container.acting()
    spec = {
        **quiet_settings.maintenance_spec(fields),
        "name": "draft",
        "scope": {"everything": True},
    }
    try:
        draft = checked(Maintenance, spec)
    except ValidationError:
        return ""
    now = time.time()
    return quiet_settings.next_windows(occurrences(draft.schedule, now, now + YEAR, 5))


def _maintenance_question(what: str, then: str, verb: str) -> Callable[[str], Dialog]:
    def form(key: str) -> Dialog:
        name = container.current().quiet.maintenance(key, container.scope())["name"]
        return FORMS.confirm(what, key, f"maintenance {name}", then, verb)

    return form


def _drop_maintenance(key: str, _fields: Fields) -> Outcome:
    quiet, scope = container.current().quiet, container.scope()
    name = quiet.maintenance(key, scope)["name"]
    quiet.delete_maintenance(key, scope, container.acting())
    return Outcome(f"Maintenance {name} is gone.")


def _end_maintenance(key: str, _fields: Fields) -> Outcome:
    """A window of which nothing would be left is taken away."""
    quiet, scope, actor = container.current().quiet, container.scope(), container.acting()
    one, now = quiet.maintenance(key, scope), time.time()
    schedule = {**one["schedule"], "end": iso(now)}
    try:
        spec = {"name": one["name"], "schedule": schedule, "scope": one["scope"]}
        quiet.change_maintenance(key, checked(Maintenance, spec), scope, actor)
    except ValidationError:
        quiet.delete_maintenance(key, scope, actor)
    return Outcome(f"Maintenance {one['name']} ended.")


def _silence_form(_key: str) -> Dialog:
    container.acting()
    return quiet_settings.silence_form()


def _put_silence(_key: str, fields: Fields) -> Outcome:
    draft = checked(NewSilence, quiet_settings.silence_spec(fields))
    container.current().quiet.add_silence(draft, container.scope(), container.acting())
    return Outcome("The silence is in force.")


def _look_at_silence(_key: str, fields: Fields) -> Any:
    """Judged as the alerts themselves are, by what a silence of these matchers would withhold."""
    container.acting()
    spec = {**quiet_settings.silence_spec(fields), "comment": "draft", "minutes": 1}
    spec.pop("endsAt", None)
    try:
        draft = checked(NewSilence, spec)
    except ValidationError:
        return ""
    now, read, scope = time.time(), container.current().read, container.scope()
    quiet = Quiet(silences=(Silence("", "", draft.matchers, Span(now - 1, now + 60)),))
    targets = {one.id: one.target for one in read.overview(scope).alerts}
    rows = [row for row in read.alerts(scope, limit=MOST_LISTED).rows if row["id"] in targets]
    hit = [
        (str(row["title"]), str(row["severity"]))
        for row in rows
        if quiet.reason(_subject(row, targets[row["id"]]), now)
    ]
    return quiet_settings.matched(hit, len(rows))


def _subject(row: Mapping[str, Any], target: str) -> Subject:
    return Subject.of(
        row["ruleId"], row["ruleName"], row["severity"], target,
        frozenset(row["impact"]["tenants"]), container.current().read.fleet(),
    )  # fmt: skip


def _silence_question(key: str) -> Dialog:
    comment = container.current().quiet.silence(key, container.scope())["comment"]
    then = "What still is in trouble is told from then on."
    return FORMS.confirm("silence-end", key, f"silence {comment}", then, "End")


def _end_silence(key: str, _fields: Fields) -> Outcome:
    container.current().quiet.end_silence(key, container.scope(), container.acting())
    return Outcome("The silence ended.")


def _resend(key: str, _fields: Fields) -> Outcome:
    again = container.current().notifications.resend(key, container.acting("whole"))
    return Outcome(f"It is sent again to {again.recipient}.")


_OPEN_ENDS = "A window that is open ends: what still is in trouble is told then."
FORM: Mapping[str, Callable[[str], Dialog]] = {
    **{what: _person_form(what) for what in _PARTS},
    **{f"{what}-delete": _drop_form(what) for what in _PARTS},
    "test": _test_form,
    "template": _template_form,
    "maintenance": _maintenance_form,
    "maintenance-delete": _maintenance_question("maintenance-delete", _OPEN_ENDS, "Delete"),
    "maintenance-end": _maintenance_question("maintenance-end", _OPEN_ENDS, "End"),
    "silence": _silence_form,
    "silence-end": _silence_question,
}
DEED: Mapping[str, Callable[[str, Fields], Outcome]] = {
    **{what: _put_person(what) for what in _PARTS},
    **{f"{what}-delete": _drop_person(what) for what in _PARTS},
    "test": _test,
    "template": _put_template,
    "template-reset": _reset_template,
    "maintenance": _put_maintenance,
    "maintenance-delete": _drop_maintenance,
    "maintenance-end": _end_maintenance,
    "silence": _put_silence,
    "silence-end": _end_silence,
    "resend": _resend,
}
LOOK: Mapping[str, Callable[[str, Fields], Any]] = {
    "template": _look_at_template,
    "maintenance": _look_at_maintenance,
    "silence": _look_at_silence,
}
