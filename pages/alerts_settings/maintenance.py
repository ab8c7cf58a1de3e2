"""When nobody is told because work is planned."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from dash.development.base_component import Component

from components import quiet_settings
from components.people_settings import FORMS
from components.setting_forms import Dialog, Outcome
from services import container
from services.alerts.quiet.specs import Maintenance
from services.alerts.quiet.windows import occurrences
from services.errors import ValidationError
from services.times import iso
from services.views.checked import checked

MONTH, YEAR = 31 * 86400.0, 366 * 86400.0
MOST_LISTED, MOST_WINDOWS = 200, 400
_OPEN_ENDS = "A window that is open ends: what still is in trouble is told then."

Fields = Mapping[str, Any]


def draw(_query: Fields) -> Component:
    quiet, scope, now = container.current().quiet, container.scope(), time.time()
    found, _ = quiet.list_maintenance(scope, None, None, MOST_LISTED)
    windows, whole = quiet.calendar(scope, now, now + MONTH, MOST_WINDOWS)
    return quiet_settings.maintenance(found, windows, whole, now)


def _form(key: str) -> Dialog:
    one = container.current().quiet.maintenance(key, container.scope()) if key else None
    return quiet_settings.maintenance_form(key, one)


def _draft(key: str, fields: Fields) -> Maintenance:
    before = container.current().quiet.maintenance(key, container.scope()) if key else None
    return checked(Maintenance, quiet_settings.maintenance_spec(fields, before))


def _put(key: str, fields: Fields) -> Outcome:
    quiet, actor, draft = container.current().quiet, container.acting(), _draft(key, fields)
    if key:
        quiet.change_maintenance(key, draft, container.scope(), actor)
    else:
        quiet.add_maintenance(draft, container.scope(), actor)
    return Outcome(f"Maintenance {draft.name} is planned.")


def _look(key: str, fields: Fields) -> Any:
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


def _question(what: str, then: str, verb: str) -> Callable[[str], Dialog]:
    def form(key: str) -> Dialog:
        name = container.current().quiet.maintenance(key, container.scope())["name"]
        return FORMS.confirm(what, key, f"maintenance {name}", then, verb)

    return form


def _drop(key: str, _fields: Fields) -> Outcome:
    quiet, scope = container.current().quiet, container.scope()
    name = quiet.maintenance(key, scope)["name"]
    quiet.delete_maintenance(key, scope, container.acting())
    return Outcome(f"Maintenance {name} is gone.")


def _end(key: str, _fields: Fields) -> Outcome:
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


FORM = {
    "maintenance": _form,
    "maintenance-delete": _question("maintenance-delete", _OPEN_ENDS, "Delete"),
    "maintenance-end": _question("maintenance-end", _OPEN_ENDS, "End"),
}
DEED = {"maintenance": _put, "maintenance-delete": _drop, "maintenance-end": _end}
LOOK = {"maintenance": _look}
