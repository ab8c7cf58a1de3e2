"""What messages say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash.development.base_component import Component

from components import template_settings
from components.setting_forms import Dialog, Outcome, text
from services import container
from services.errors import HealthdeckError, NotFound
from services.notify.templates.parts import PARTS
from services.notify.templates.variables import VARIABLES

Fields = Mapping[str, Any]


def draw(_query: Fields) -> Component:
    container.acting("whole")
    found = container.current().templates.all()
    return template_settings.templates([
        {"channel": one.channel, "event": one.event, "at": one.at, "by": one.by} for one in found
    ])  # fmt: skip


def _form(key: str) -> Dialog:
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


def _look(key: str, fields: Fields) -> Component:
    container.acting("whole")
    channel, event, parts = _sources(key, fields)
    alert = text(fields, "alert") or None
    try:
        texts = container.current().templates.preview(channel, event, parts, alert)
    except HealthdeckError as error:
        return template_settings.mistakes(error.message, error.details)
    return template_settings.preview({part: getattr(texts, part) for part in parts})


def _put(key: str, fields: Fields) -> Outcome:
    actor, (channel, event, parts) = container.acting("whole"), _sources(key, fields)
    container.current().templates.save(channel, event, parts, actor)
    return Outcome(f"The template {key} is saved.")


def _reset(key: str, _fields: Fields) -> Outcome:
    channel, _, event = key.partition("/")
    container.current().templates.reset(channel, event, container.acting("whole"))
    return Outcome(f"The template {key} is the default again.")


FORM = {"template": _form}
DEED = {"template": _put, "template-reset": _reset}
LOOK = {"template": _look}
