"""Contacts, groups and rotations over REST: /api/admin/alerts/config."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services.container import Services
from services.identity.audit import Wanted, audited
from services.rule import Rule
from tests.support import site

PATH = "/api/admin/alerts/config"
MASK = "********"
SECRET, TOKEN = "whsec_aHVzaC1odXNoLWh1c2g=", "slack://hush-token/x/y"
FILE = """
contacts:
  - {name: Of File, email: file@example.com, apprise: "slack://file-token/x"}
groups:
  - {name: File Group, members: [Of File]}
"""
ANA: dict[str, Any] = {
    "name": "Ana", "email": "ana@example.com", "phone": "+31600000001",
    "webhook": {"url": "https://192.0.2.7/ana", "secret": SECRET}, "apprise": TOKEN,
    "timeZone": "Europe/Berlin",
    "quietHours": [{"from": "22:00", "to": "07:00", "days": ["mon"], "severities": ["info"]}],
    "fallback": {"channel": "sms", "after": 60},
}  # fmt: skip
BOB: dict[str, Any] = {"name": "Bob", "email": "bob@example.com"}
OPS: dict[str, Any] = {"name": "Ops", "members": ["Ana", "of file"]}
PRIMARY: dict[str, Any] = {
    "name": "Primary", "timeZone": "UTC", "handover": {"day": "mon", "time": "09:00"},
    "members": ["Ana", "Bob"], "since": "2025-11-03",
    "overrides": [{"from": "2020-01-01T00:00", "to": "2020-01-02T00:00", "contact": "Bob"}],
}  # fmt: skip
ALL = {"contacts": [ANA, BOB], "groups": [OPS], "onCall": [PRIMARY]}


@dataclass
class Place:
    services: Services
    client: FlaskClient

    def call(
        self, method: str = "GET", body: Any = None, role: str = "super_admin", **headers: str
    ) -> TestResponse:
        sent = {**site.bearer(self.services, role=role), **headers}
        return self.client.open(PATH, method=method, json=body, headers=sent)

    def put(self, body: Any = ALL, **headers: str) -> TestResponse:
        return self.call("PUT", body, **headers)

    def read(self) -> dict[str, Any]:
        answer = self.call()
        assert answer.status_code == 200, answer.get_json()
        found: dict[str, Any] = answer.get_json()
        return found

    def refused(self, body: Any, status: int = 400) -> list[tuple[str, str]]:
        answer = self.put(body)
        assert answer.status_code == status, answer.get_json()
        return [(one["field"], one["problem"]) for one in answer.get_json()["details"]]


Builds = Callable[..., Place]


@pytest.fixture
def build(tmp_path: Path, empty_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Builds]:
    monkeypatch.setattr(site, "FLEET", site.FLEET + FILE)
    opened: list[Services] = []

    def build(empty: Path = empty_file, folder: Path = tmp_path, **settings: Any) -> Place:
        folder.mkdir(exist_ok=True)
        services = site.build(folder, empty, webhook_allow="192.0.2.0/24", **settings)
        opened.append(services)
        server: Flask = site.serve(services)
        return Place(services, server.test_client())

    yield build
    for services in opened:
        services.database.close()


@pytest.fixture
def place(build: Builds) -> Place:
    return build()


def named(body: dict[str, Any], part: str, name: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = [one for one in body[part] if one["name"] == name]
    return found


def test_what_is_written_is_in_force_and_shown_without_secrets(place: Place) -> None:
    before = place.read()
    assert (before["version"], before["updatedAt"], before["updatedBy"]) == (0, None, None)
    of_file = named(before, "contacts", "Of File")
    assert (of_file["apprise"], of_file["readOnly"]) == (MASK, True)
    answer = place.put()
    assert answer.status_code == 200, answer.get_json()
    body = answer.get_json()
    assert (body["version"], body["updatedBy"]) == (1, "script")
    ana = named(body, "contacts", "Ana")
    assert ana == {
        **ANA, "webhook": {"url": ANA["webhook"]["url"], "secret": MASK}, "apprise": MASK,
        "readOnly": False, "problem": None,
    }  # fmt: skip
    assert named(body, "groups", "Ops") == {**OPS, "readOnly": False, "problem": None}
    now = named(body, "onCall", "Primary")["now"]
    assert now["contact"] in ("Ana", "Bob")
    assert now["until"].endswith("T09:00:00.000Z")
    directory = place.services.recipients.people()
    contact = directory.contact("ana")
    assert contact is not None
    assert contact.webhook is not None
    assert contact.webhook.secret.get_secret_value() == SECRET
    assert contact.apprise is not None
    assert contact.apprise.get_secret_value() == TOKEN
    assert [c.name for c in directory.resolve("ops", 0.0).contacts] == ["Ana", "Of File"]
    for text in (answer.text, place.call().text):
        assert "hush" not in text


def test_the_channels_say_whether_they_are_ready(place: Place) -> None:
    channels = {one["name"]: one for one in place.read()["channels"]}
    assert list(channels) == ["email", "sms", "webhook", "inApp", "apprise"]
    assert channels["email"] == {
        "name": "email", "ready": False, "why": "Set SMTP_URL, MAIL_FROM.",
    }  # fmt: skip
    assert channels["webhook"]["ready"]
    assert channels["webhook"]["why"] is None


def test_what_was_read_may_be_sent_back(place: Place) -> None:
    place.put()
    body = place.read()
    assert place.put(body).get_json()["version"] == 1, "nothing changed"
    named(body, "contacts", "Ana")["email"] = "other@example.com"
    assert place.put(body).get_json()["version"] == 2
    ana = place.services.recipients.people().contact("Ana")
    assert ana is not None
    assert ana.webhook is not None
    assert ana.apprise is not None
    assert (ana.email, ana.webhook.secret.get_secret_value()) == ("other@example.com", SECRET)
    assert ana.apprise.get_secret_value() == TOKEN


def test_a_secret_that_is_left_out_stays_and_one_that_is_null_goes(place: Place) -> None:
    place.put()
    bare = {**ANA, "webhook": {"url": ANA["webhook"]["url"]}}
    del bare["apprise"]
    assert place.put({**ALL, "contacts": [bare, BOB]}).get_json()["version"] == 1
    gone = place.put({**ALL, "contacts": [{**ANA, "webhook": None, "apprise": None}, BOB]})
    ana = named(gone.get_json(), "contacts", "Ana")
    assert (ana["webhook"], ana["apprise"]) == (None, None)
    back = {**ANA, "webhook": {"url": ANA["webhook"]["url"], "secret": MASK}, "apprise": MASK}
    assert place.refused({**ALL, "contacts": [back, BOB]}) == [
        ("contacts[0].webhook.secret",
         "no secret is kept for this contact; give a random text of some 32 characters"),
    ]  # fmt: skip


def test_a_changed_address_needs_its_secret_anew(place: Place) -> None:
    place.put()
    moved = {**ANA, "webhook": {"url": "https://192.0.2.8/thief", "secret": MASK}}
    assert place.refused({**ALL, "contacts": [moved, BOB]}) == [
        ("contacts[0].webhook.secret",
         "the address is another one, and a secret is not sent elsewhere; give it anew"),
    ]  # fmt: skip
    renamed = {**ANA, "name": "Anna", "webhook": {"url": ANA["webhook"]["url"], "secret": MASK}}
    found = place.refused({"contacts": [renamed, BOB], "groups": [], "onCall": []})
    assert found[0][1].startswith("no secret is kept for this contact")


def test_secrets_are_nowhere_in_clear_text(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place.put()
    other = {**ANA, "webhook": {**ANA["webhook"], "secret": "hush-second-secret-of-32-letters"}}
    assert place.put({**ALL, "contacts": [other, BOB]}).get_json()["version"] == 2
    place.put({**ALL, "contacts": [{**ANA, "email": "no-address"}, BOB]})
    rows = audited(place.services.database, Wanted(action="config.change"))
    assert [row["detail"]["version"] for row in rows] == [2, 1]
    assert rows[0]["detail"]["secrets"] == ["Ana: webhook", "Ana: apprise"]
    assert rows[1]["detail"]["contacts"] == {"added": ["Ana", "Bob"], "changed": [], "removed": []}
    written = json.dumps(rows) + "".join(capsys.readouterr())
    for file in tmp_path.glob("test.db*"):
        written += file.read_bytes().decode("latin-1")
    assert "ana@example.com" in written
    for secret in ("hush", SECRET[6:20], "c2VjcmV0"):
        assert secret not in written
    with sqlite3.connect(tmp_path / "test.db") as connection:
        sealed = [
            json.loads(one) for (one,) in connection.execute(
                "SELECT sealed FROM alert_configs ORDER BY version"
            )
        ]  # fmt: skip
    connection.close()
    assert sealed[0] == {}, "what was replaced is nowhere any more"
    assert set(sealed[1]["ana"]) == {"webhook", "apprise"}
    assert all(token.startswith("v1.") for token in sealed[1]["ana"].values())


def test_a_change_of_an_older_version_is_a_conflict(place: Place) -> None:
    tag = place.put().headers["ETag"]
    again = {**ALL, "contacts": [ANA]}
    again["onCall"] = []
    assert place.put(again, **{"If-Match": tag}).status_code == 200
    for stale in (tag, '"1"', 'W/"1-abc"'):
        answer = place.put(ALL, **{"If-Match": stale})
        assert (answer.status_code, answer.get_json()["errorCode"]) == (409, "CONFLICT")
        assert (
            "is at version 2 by now (by script), and you changed version 1"
            in (answer.get_json()["error"])
        )
    assert place.put(ALL, **{"If-Match": "2"}).status_code == 400
    assert place.put(ALL, **{"If-Match": '"2"'}).get_json()["version"] == 3
    same = place.call(**{"If-None-Match": place.call().headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")


def test_every_mistake_is_told_with_its_field_and_nothing_is_written(place: Place) -> None:
    found = place.refused(
        {
            "contacts": [
                {"name": "Of File"},  # as it stands there, as far as it says anything
                {**ANA, "timeZone": "Europe/Berln", "quietHours": [{"from": "25:00", "to": "1"}]},
                {"name": "Cy", "emial": "x"},
                "nobody",
            ],
            "groups": [{"name": "G", "members": ["Nobdy"]}],
            "onCall": [{**PRIMARY, "handover": {"day": "mon"}, "members": ["Ana", 5]}],
        }
    )  # fmt: skip
    fields = [field for field, _ in found]
    assert fields[:5] == [
        "contacts[1].timeZone", "contacts[1].quietHours[0].from", "contacts[1].quietHours[0].to",
        "contacts[2].emial", "contacts[3]",
    ]  # fmt: skip
    said = dict(found)
    assert "did you mean 'Europe/Berlin'" in said["contacts[1].timeZone"]
    assert said["contacts[2].emial"] == "there is no such field; did you mean 'email'?"
    assert said["groups[0].members[0]"].startswith("there is no contact 'Nobdy'; ")
    assert said["onCall[0].handover"] == "needs a 'time'"
    assert said["onCall[0].members[1]"] == "'5' is not text; put it in quotes"
    assert place.read()["version"] == 0


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({}, "contacts", "is missing; [] means none"),
        ({**ALL, "groups": None}, "groups", "must be a list; [] means none"),
        ({**ALL, "contcats": []}, "contcats", "there is no such field; did you mean 'contacts'?"),
        ({**ALL, "contacts": [ANA, BOB, {"name": "ANA"}]}, "contacts[2].name",
         "there already is a contact 'Ana' (contacts[0]); name each once"),
        ({**ALL, "groups": [OPS, {"name": "bob"}]}, "groups[1].name",
         "there already is a contact 'Bob' (contacts[1]); name each once"),
        ({**ALL, "onCall": [{**PRIMARY, "name": "file group"}]}, "onCall[0].name",
         "there already is a group 'File Group' in the inventory file; name each once"),
        ({**ALL, "contacts": [ANA, {**BOB, "email": "Bob <bob@example.com>"}]},
         "contacts[1].email", "is no e-mail address; write it alone, as ops@example.com"),
        ({**ALL, "contacts": [ANA, {**BOB, "phone": "call me"}]},
         "contacts[1].phone", "is no phone number; write it with its country, as +31600000000"),
        ({**ALL, "contacts": [ANA, {**BOB, "phone": "${PHONE}"}]}, "contacts[1].phone",
         "variables stand in the inventory file only; write the text itself"),
        ({**ALL, "contacts": [ANA, {**BOB, "apprise": "https://x.example"}]},
         "contacts[1].apprise", "this is not a service URL; write it as slack://"),
        ({**ALL, "contacts": [{**ANA, "webhook": {"url": "https://127.0.0.1/x", "secret": "s"}},
                              BOB]},
         "contacts[0].webhook.url", "127.0.0.1 is not called"),
        ({**ALL, "contacts": [{**ANA, "webhook": {"url": "https://169.254.169.254/x",
                                                  "secret": "s"}}, BOB]},
         "contacts[0].webhook.url", "169.254.169.254 is not called"),
        ({**ALL, "contacts": [{**ANA, "fallback": {"channel": "fax"}}, BOB]},
         "contacts[0].fallback.channel", "'fax' is not known here; known: 'email', 'sms'"),
        ({**ALL, "onCall": [{**PRIMARY, "overrides": [{**PRIMARY["overrides"][0],
                                                       "contact": "Zed"}]}]},
         "onCall[0].overrides[0].contact", "there is no contact 'Zed'; "),
        ({**ALL, "onCall": [{**PRIMARY, "since": "2025-11-04"}]}, "onCall[0]",
         "since is the day of the first hand-over, and 2025-11-04 is a tue, not a mon"),
        ({**ALL, "groups": [{**OPS, "members": ["Ana", "ana"]}]}, "groups[0].members[1]",
         "'ana' stands here twice"),
        ({**ALL, "contacts": [{"name": f"c{n}"} for n in range(2001)]}, "contacts",
         "has more than 2,000, and no more fit"),
    ],
)  # fmt: skip
def test_what_is_refused(place: Place, body: Any, field: str, said: str) -> None:
    found = place.refused(body)
    assert any(one == field and text.startswith(said) for one, text in found), found
    assert place.read()["version"] == 0
    assert "hush" not in str(found)


def test_the_files_entries_are_read_only(place: Place) -> None:
    answer = place.put({**ALL, "contacts": [ANA, BOB, {"name": "of file", "email": "x@y.z"}]})
    assert answer.status_code == 409
    assert answer.get_json()["error"] == (
        "The contact 'Of File' stands in the inventory file; change it there."
    )
    answer = place.put({**ALL, "groups": [{"name": "File Group", "members": []}]})
    assert "The group 'File Group' stands in the inventory file" in answer.get_json()["error"]


def test_who_may(place: Place) -> None:
    assert place.call(role="admin").status_code == 200
    assert place.call("PUT", ALL, role="admin").status_code == 403
    limited = site.bearer(place.services, role="super_admin", tenants=["acme"])
    for method in ("GET", "PUT"):
        answer = place.client.open(PATH, method=method, json=ALL, headers=limited)
        assert answer.status_code == 403
        assert place.client.open(PATH, method=method, json=ALL).status_code == 401
    assert place.call("DELETE").status_code == 405, "it is no alert of that id"
    assert place.call("POST", {}).status_code == 405


def test_a_change_is_in_force_at_once_and_after_a_restart(
    build: Builds, place: Place, tmp_path: Path
) -> None:
    rule = Rule.model_validate(
        {
            "id": "r", "name": "R", "severity": "info",
            "condition": {"metric": "cpu", "operator": "greaterThan", "value": 1},
            "notification": {"channels": ["webhook"], "recipients": ["Primary", "Ops", "Lost"]},
        }
    )  # fmt: skip
    assert len(place.services.rules.warnings(rule)) == 3
    place.put({**ALL, "groups": [OPS, {"name": "Lost"}]})
    assert place.services.rules.warnings(rule) == (
        "The contact Bob has not got a webhook with its URL and secret, which webhook needs.",
        "The contact Of File has not got a webhook with its URL and secret, which webhook needs.",
        "The group Lost has no members, so nobody is told by it.",
    )
    lost = named(place.read(), "groups", "Lost")
    assert lost["problem"] == "The group has no members, so nobody is told by it."
    place.services.database.close()
    again = build(_copy(tmp_path), tmp_path / "second")
    assert again.services.recipients.people() == place.services.recipients.people()
    assert again.read()["version"] == 1


def test_after_another_secret_key_the_start_goes_on_and_says_what_is_lost(
    build: Builds, place: Place, tmp_path: Path
) -> None:
    place.put()
    place.services.database.close()
    again = build(_copy(tmp_path), tmp_path / "second", secret_key="n" * 40)
    body = again.read()
    problem = named(body, "contacts", "Ana")["problem"]
    assert problem.startswith(
        "The secret of its webhook and its apprise cannot be read, for SECRET"
    )
    assert named(body, "contacts", "Bob")["problem"] is None
    ana = again.services.recipients.people().contact("Ana")
    assert ana is not None
    assert (ana.email, ana.webhook, ana.apprise) == ("ana@example.com", None, None)
    warned = again.services.board.warned("recipients")
    assert warned is not None
    assert "SECRET_KEY was changed: Ana. Write them anew" in warned.text
    named(body, "contacts", "Bob")["email"] = "b@example.com"
    assert again.put(body).status_code == 200, "others can be changed meanwhile"
    assert named(again.read(), "contacts", "Ana")["problem"] is not None
    assert again.put(ALL).status_code == 200
    assert named(again.read(), "contacts", "Ana")["problem"] is None
    assert again.services.board.warned("recipients") is None


def test_a_file_that_takes_a_name_wins_and_gives_it_back(
    place: Place, request: pytest.FixtureRequest
) -> None:
    place.put()
    inventory = place.services.inventory.inventory
    place.services.intake.start()
    request.addfinalizer(place.services.intake.stop)
    bob = inventory.contacts[0].model_copy(update={"name": "BOB", "email": "b@file.example"})
    place.services.inventory.take_file(
        inventory.model_copy(update={"contacts": (*inventory.contacts, bob)})
    )
    body = place.read()
    assert named(body, "contacts", "Bob")["problem"] == (
        "The inventory file has this name too, and that one holds."
    )
    found = place.services.recipients.people().contact("Bob")
    assert found is not None
    assert found.email == "b@file.example"
    place.services.inventory.take_file(inventory)
    found = place.services.recipients.people().contact("Bob")
    assert found is not None
    assert found.email == BOB["email"]


def _copy(folder: Path) -> Path:
    """The database as another process finds it."""
    return Path(shutil.copy(folder / "test.db", folder / "copy.db"))
