"""Contacts, groups and rotations: who is told, and how."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from dash.development.base_component import Component

from components import people_settings
from components.people_settings import FORMS
from components.setting_forms import Dialog, Outcome
from services import container
from services.errors import NotFound
from services.inventory.people import Rotation
from services.notify.config_desk import Entry
from services.notify.oncall import who_is_on_call

_PARTS = {"contact": "contacts", "group": "groups", "rotation": "onCall"}

Fields = Mapping[str, Any]
Body = dict[str, Any]


def draw(_query: Fields) -> Component:
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


def _form(what: str) -> Callable[[str], Dialog]:
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


def _put(what: str) -> Callable[[str, Fields], Outcome]:
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


def _drop(what: str) -> Callable[[str, Fields], Outcome]:
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


FORM = {
    **{what: _form(what) for what in _PARTS},
    **{f"{what}-delete": _drop_form(what) for what in _PARTS},
}
DEED = {
    **{what: _put(what) for what in _PARTS},
    **{f"{what}-delete": _drop(what) for what in _PARTS},
}
