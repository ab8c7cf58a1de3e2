"""Alerts of which nobody is told for a while."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from dash.development.base_component import Component

from components import quiet_settings
from components.people_settings import FORMS
from components.setting_forms import Dialog, Outcome
from services import container
from services.alerts.quiet.now import Quiet, Silence, Subject
from services.alerts.quiet.schedules import Span
from services.alerts.quiet.specs import NewSilence
from services.errors import ValidationError
from services.views.checked import checked

MOST_LISTED = 200

Fields = Mapping[str, Any]


def draw(_query: Fields) -> Component:
    scope = container.scope()
    found, _ = container.current().quiet.list_silences(scope, None, None, MOST_LISTED)
    return quiet_settings.silences(found)


def _form(_key: str) -> Dialog:
    container.acting()
    return quiet_settings.silence_form()


def _put(_key: str, fields: Fields) -> Outcome:
    draft = checked(NewSilence, quiet_settings.silence_spec(fields))
    container.current().quiet.add_silence(draft, container.scope(), container.acting())
    return Outcome("The silence is in force.")


def _look(_key: str, fields: Fields) -> Any:
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


def _question(key: str) -> Dialog:
    comment = container.current().quiet.silence(key, container.scope())["comment"]
    then = "What still is in trouble is told from then on."
    return FORMS.confirm("silence-end", key, f"silence {comment}", then, "End")


def _end(key: str, _fields: Fields) -> Outcome:
    container.current().quiet.end_silence(key, container.scope(), container.acting())
    return Outcome("The silence ended.")


FORM = {"silence": _form, "silence-end": _question}
DEED = {"silence": _put, "silence-end": _end}
LOOK = {"silence": _look}
