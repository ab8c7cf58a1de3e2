"""What the forms of the settings say and what becomes of mistakes; who may do what."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

import dash
import pytest
from dash._callback import GLOBAL_CALLBACK_LIST, GLOBAL_CALLBACK_MAP
from dash.development.base_component import Component
from flask import g

from components import account_settings, people_settings, quiet_settings
from components.setting_forms import given, pressed, told_apart
from services.alerts.quiet.specs import Maintenance, NewSilence
from services.errors import InsufficientPermissions, ValidationError
from services.identity import Principal
from services.inventory.people import Rotation
from services.views.checked import checked
from tests.support import site
from tests.support.stores import template

MONDAY = 1_763_942_400.0  # 2025-11-24T00:00:00Z


def texts(found: Any) -> list[str]:
    """What a reader sees, part by part."""
    if isinstance(found, Component):
        return texts(getattr(found, "children", None))
    if isinstance(found, list | tuple):
        return [text for one in found for text in texts(one)]
    return [] if found is None else [str(found)]


def test_a_contact_keeps_its_secrets_unless_new_ones_are_written() -> None:
    before = {"webhook": {"url": "u", "secret": "********"}, "apprise": "********"}
    fields = {"name": " Ops ", "webhook.url": "u", "webhook.secret": "", "apprise": ""}
    kept = people_settings.contact_spec(fields, before)
    assert (kept["name"], kept["webhook"]["secret"], kept["apprise"]) == (
        "Ops", "********", "********",
    )  # fmt: skip
    new = people_settings.contact_spec({**fields, "webhook.secret": " s ", "apprise": "x"}, before)
    assert (new["webhook"]["secret"], new["apprise"]) == (" s ", "x")
    gone = people_settings.contact_spec(
        {**fields, "webhook.url": "", "apprise-off": ["off"]}, before
    )
    assert (gone["webhook"], gone["apprise"]) == (None, None)


def test_rows_that_are_emptied_are_taken_away() -> None:
    fields: dict[str, Any] = {"name": "Ops"}
    for at, (start, end) in enumerate((("22:00", "07:00"), ("", ""))):
        fields |= {
            f"quietHours[{at}].from": start, f"quietHours[{at}].to": end,
            f"quietHours[{at}].days": ["mon"], f"quietHours[{at}].severities": ["info"],
        }  # fmt: skip
    (period,) = people_settings.contact_spec(fields, None)["quietHours"]
    assert period == {"from": "22:00", "to": "07:00", "days": ["mon"], "severities": ["info"]}


def test_a_rotation_is_what_the_inventory_takes() -> None:
    fields = {
        "name": "Primary", "timeZone": "Europe/Amsterdam", "handover.day": "mon",
        "handover.time": "09:00", "since": "2025-11-24", "members": "Ada\nGrace\n",
        "overrides[0].from": "2025-11-26T08:00", "overrides[0].to": "2025-11-26T20:00",
        "overrides[0].contact": "Joan", "overrides[1].from": "", "overrides[1].contact": "",
    }  # fmt: skip
    found = Rotation.model_validate(people_settings.rotation_spec(fields))
    assert (found.members, found.overrides[0].contact) == (("Ada", "Grace"), "Joan")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("once", {"start": "2025-11-24T22:00", "end": "2025-11-24T23:00"}),
        ("daily", {"at": "02:00", "minutes": 60}),
        ("weekly", {"at": "02:00", "minutes": "90", "days": ["sat", "sun"]}),
        ("cron", {"expression": "0 2 * * 0", "minutes": 30}),
    ],
)
def test_maintenance_of_each_kind_is_read(kind: str, fields: dict[str, Any]) -> None:
    form = {"name": "Disks", "schedule.type": kind, "schedule.timeZone": "UTC",
            "scope.vps": "vps-1, vps-2", "scope.everything": []}  # fmt: skip
    form |= {f"schedule.{name}": value for name, value in fields.items()}
    found = checked(Maintenance, quiet_settings.maintenance_spec(form))
    assert (found.schedule.type, found.scope.vps) == (kind, ("vps-1", "vps-2"))
    assert quiet_settings.said_schedule(quiet_settings.maintenance_spec(form)["schedule"])


def test_a_mistake_is_told_at_its_field() -> None:
    form = {"name": "", "schedule.type": "daily", "schedule.timeZone": "UTC", "schedule.at": "2",
            "schedule.minutes": "x", "scope.vps": "vps-1"}  # fmt: skip
    with pytest.raises(ValidationError) as refused:
        checked(Maintenance, quiet_settings.maintenance_spec(form))
    names = ["name", "schedule.at", "schedule.minutes", "scope.vps"]
    beside, rest = told_apart(refused.value.message, refused.value.details, names)
    assert all(beside[:3])
    assert (beside[3], rest) == ("", [])
    assert "write it as 02:00" in beside[1]


def test_a_mistake_of_a_contact_loses_its_place_in_the_list() -> None:
    details = [{"field": "contacts[3].webhook.url", "problem": "is no address"},
               {"field": "groups[0].members", "problem": "there is no contact 'X'"}]  # fmt: skip
    beside, rest = told_apart("wrong", details, ["webhook.url", "email"])
    assert beside == ["Is no address.", ""]
    assert rest == ["Members: there is no contact 'X'."]
    assert told_apart("It is stale.", [], ["email"]) == ([""], ["It is stale."])


def test_a_silence_is_read() -> None:
    form = {"comment": "known", "minutes": "60", "matchers.0.field": "severity",
            "matchers.0.operator": "oneOf", "matchers.0.value": "info, warning",
            "matchers.1.field": "", "matchers.1.value": "passed over"}  # fmt: skip
    found = checked(NewSilence, quiet_settings.silence_spec(form))
    assert found.minutes == 60
    assert [one.values for one in found.matchers] == [frozenset({"info", "warning"})]
    until = quiet_settings.silence_spec({**form, "minutes": "", "endsAt": "2025-11-24T10:00"})
    assert (until["endsAt"], "minutes" in until) == ("2025-11-24T10:00", False)


def test_the_calendar_marks_today_and_shows_a_window_on_each_of_its_days() -> None:
    windows = [{"name": "Disks", "start": "2025-11-25T23:00:00Z", "end": "2025-11-26T01:00:00Z"}]
    days = quiet_settings.calendar(windows, MONDAY + 3600).children[7:]
    assert len(days) == 35
    assert [at for at, day in enumerate(days) if "is-today" in day.className] == [0]
    planned = {
        at: "".join(texts(day.children[1])) for at, day in enumerate(days) if day.children[1]
    }
    assert planned == {1: "23:00–24:00 Disks", 2: "00:00–01:00 Disks"}


def test_a_window_that_ends_at_midnight_is_not_on_the_next_day() -> None:
    windows = [{"name": "Disks", "start": "2025-11-25T22:00:00Z", "end": "2025-11-26T00:00:00Z"}]
    days = quiet_settings.calendar(windows, MONDAY).children[7:]
    assert [at for at, day in enumerate(days) if day.children[1]] == [1]


def test_what_the_file_has_cannot_be_edited() -> None:
    one: dict[str, Any] = {
           "name": "Ops", "email": "ops@example.com", "phone": None, "webhook": None,
           "apprise": None, "timeZone": None, "quietHours": [], "fallback": None,
           "readOnly": True, "problem": None}  # fmt: skip
    words = texts(people_settings.people([one], [], [], True))
    assert "from the file" in words
    assert not {"Edit", "Delete"} & set(words)
    assert {"Edit", "Delete"} <= set(
        texts(people_settings.people([{**one, "readOnly": False}], [], [], True))
    )
    assert "Add contact" not in texts(people_settings.people([one], [], [], False))


def test_only_a_press_counts_and_fields_are_taken_by_name() -> None:
    id_ = '{"key":"1.5:a","type":"settings-do","what":"user"}.n_clicks'
    assert pressed([{"prop_id": id_, "value": 1}]) == {"what": "user", "key": "1.5:a"}
    assert pressed([{"prop_id": id_, "value": None}]) is None
    assert given([{"id": {"name": "a.b"}, "value": 3}]) == {"a.b": 3}


def test_a_secret_is_in_a_dialog_with_a_way_to_copy_it() -> None:
    shown = account_settings.key_shown("nightly", "hd_secret")
    assert "hd_secret" in texts(shown.body)
    assert "Copy" in texts(shown.body)


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("settings")
    services = site.build(folder, template(tmp_path_factory.mktemp("empty")))
    server = site.serve(services)
    with site.lone_dash(server):
        yield server
        # What the pages declared below is nobody else's.
        GLOBAL_CALLBACK_LIST.clear()
        GLOBAL_CALLBACK_MAP.clear()
    services.templates.close()
    services.database.close()


@pytest.mark.parametrize("page", ["settings", "alerts_settings/tab"])
@pytest.mark.parametrize("scope", [None, frozenset({"tenant-acme"})], ids=["admin", "limited"])
def test_nobody_gets_more_than_rest_gives(
    application: Any, monkeypatch: pytest.MonkeyPatch, page: str, scope: frozenset[str] | None
) -> None:
    """What REST lets an admin do, and no more; a limited one only what is about its tenants."""
    monkeypatch.setattr(dash, "register_page", lambda *_, **__: None)
    spec = importlib.util.spec_from_file_location("tried", site.HOME / f"pages/{page}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    admins = {"maintenance", "maintenance-delete", "maintenance-end", "silence", "silence-end"}
    if scope is None:
        admins |= {"test", "template", "template-reset", "resend"}
    with application.test_request_context("/health"):
        g.principal = Principal("joan", "admin", scope, "session", "s")
        for table in (module.FORM, module.DEED):
            for what in table.keys() - admins:
                with pytest.raises(InsufficientPermissions):
                    if page == "settings":
                        module.container.acting("chief")
                    table[what](*(["0:x", {}] if table is module.DEED else ["x"]))
        hidden = (
            {"people", "channels", "templates"} if page == "alerts_settings/tab" else module.CHIEFS
        )
        if scope is not None:
            assert {module._chosen({"section": name}) for name in hidden} <= {"maintenance", "you"}
