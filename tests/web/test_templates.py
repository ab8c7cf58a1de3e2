"""Templates of messages over REST."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from models.audit import AuditRow
from services.container import EXTENSION, Services
from services.web import errors, guard
from services.web.rest import templates
from services.web.rest.operation import CHECK_ANSWERS
from tests.support import site

PREFIX = "/api/admin/notifications/templates"
FIRED = f"{PREFIX}/email/alert.fired"

Headers = dict[str, str]


@pytest.fixture
def client(services: Services) -> Iterator[FlaskClient]:
    """These routes behind the guard."""
    server = Flask("templates", root_path=str(site.HOME))
    server.extensions[EXTENSION] = services
    server.config[CHECK_ANSWERS] = True
    errors.install(server)
    guard.install(server)
    routes = Blueprint("rest", __name__)
    templates.routes.add_to(routes)
    server.register_blueprint(routes)
    yield server.test_client()
    services.templates.close()


@pytest.fixture
def admin(services: Services) -> Headers:
    return site.bearer(services)


def find(answer: Any, channel: str, event: str) -> Any:
    (found,) = [
        each for each in answer["templates"] if (each["channel"], each["event"]) == (channel, event)
    ]
    return found


def test_every_template_is_listed_with_what_it_may_use(client: FlaskClient, admin: Headers) -> None:
    answer = client.get(PREFIX, headers=admin).get_json()
    assert len(answer["templates"]) == 24
    mail = find(answer, "email", "alert.fired")
    assert mail["parts"] == mail["default"]
    assert (mail["edited"], mail["updatedAt"], mail["updatedBy"]) == (False, None, None)
    assert mail["parts"]["title"] is None
    assert {part for part, text in mail["parts"].items() if text} == {"subject", "text", "html"}
    variables = {each["name"]: each["meaning"] for each in answer["variables"]}
    assert variables["alert.title"] == "what is wrong, in one line"


def test_a_template_is_changed_and_reset(
    client: FlaskClient, admin: Headers, services: Services
) -> None:
    own = {"subject": "Hi {{ contact.name }}"}
    answer = client.put(FIRED, json=own, headers=admin)
    changed = answer.get_json()
    assert answer.status_code == 200
    assert (changed["edited"], changed["updatedBy"]) == (True, "script")
    assert changed["parts"]["subject"] == own["subject"]
    assert changed["parts"]["text"] == changed["default"]["text"]
    listed = find(client.get(PREFIX, headers=admin).get_json(), "email", "alert.fired")
    assert listed == changed
    shown = client.post(
        f"{PREFIX}/preview", json={"channel": "email", "event": "alert.fired"}, headers=admin
    ).get_json()
    assert shown["subject"] == "Hi Ops"
    # What was read can be sent back; a part that is null stays as the default has it.
    assert client.put(FIRED, json=listed["parts"], headers=admin).get_json()["edited"]
    for _ in range(2):
        assert client.delete(FIRED, headers=admin).status_code == 204
    answer = client.get(PREFIX, headers=admin).get_json()
    assert [each for each in answer["templates"] if each["edited"]] == []
    with services.database.read() as session:
        rows = session.execute(
            select(AuditRow.action, AuditRow.target, AuditRow.detail).where(
                AuditRow.action.like("template.%")
            )
        ).all()
    assert [tuple(row) for row in rows] == [
        ("template.change", "email/alert.fired", {"parts": own}),
        ("template.change", "email/alert.fired", {"parts": own}),
        ("template.reset", "email/alert.fired", {"parts": own}),
    ]


def test_a_mistake_is_told_with_part_and_line(client: FlaskClient, admin: Headers) -> None:
    parts = {"subject": "{{ alert.titel }}", "html": "<p>\n{% if %}"}
    preview = {"channel": "email", "event": "alert.fired", "parts": parts}
    for answer in (
        client.put(FIRED, json=parts, headers=admin),
        client.post(f"{PREFIX}/preview", json=preview, headers=admin),
    ):
        told = answer.get_json()
        assert (answer.status_code, told["errorCode"]) == (400, "VALIDATION_ERROR")
        assert [(each["field"], each["line"]) for each in told["details"]] == [
            ("subject", 1),
            ("html", 2),
        ]
        assert "do you mean 'title'" in told["error"]


def test_a_bomb_is_refused(client: FlaskClient, admin: Headers) -> None:
    for bomb in ("{{ 'a' * 10 ** 9 }}", "{{ ''.__class__ }}"):
        answer = client.put(FIRED, json={"text": bomb}, headers=admin)
        assert answer.status_code == 400
        assert answer.get_json()["details"][0]["line"] == 1


def test_a_preview_is_of_an_example_or_an_alert(client: FlaskClient, admin: Headers) -> None:
    wanted: dict[str, Any] = {"channel": "inApp", "event": "alert.fired"}
    shown = client.post(f"{PREFIX}/preview", json=wanted, headers=admin).get_json()
    assert shown == {
        "subject": None,
        "title": "postgres on vps-1 is unhealthy",
        "text": "Connection refused, for at least 2 min. Hurts tenant-acme and tenant-globex.",
        "html": None,
    }
    named = {**wanted, "parts": {"text": "{{ contact.name }}"}, "recipient": "Night shift"}
    answer = client.post(f"{PREFIX}/preview", json=named, headers=admin)
    assert answer.get_json()["text"] == "Night shift"
    answer = client.post(f"{PREFIX}/preview", json={**wanted, "alertId": "a1"}, headers=admin)
    assert (answer.status_code, answer.get_json()["error"]) == (404, "There is no alert 'a1'.")


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("email/alert.fired", {}, 400),
        ("email/alert.fired", {"body": "a"}, 400),
        ("email/alert.fired", {"title": "a"}, 400),
        ("email/alert.fired", {"text": 5}, 400),
        ("email/alert.fired", {"text": "a" * 16385}, 400),
        ("sms/alert.fired", {"subject": "a"}, 400),
        ("webhook/alert.fired", {"text": "a"}, 404),
        ("email/alert.odd", {"text": "a"}, 404),
        ("inapp/test", {"title": "a"}, 200),
    ],
)
def test_what_fits_is_taken(
    client: FlaskClient, admin: Headers, path: str, sent: Any, status: int
) -> None:
    answer = client.put(f"{PREFIX}/{path}", json=sent, headers=admin)
    assert answer.status_code == status
    assert status == 200 or answer.get_json()["error"]


def test_it_is_for_those_who_see_everything(client: FlaskClient, services: Services) -> None:
    limited = site.bearer(services, tenants=["acme"])
    for answer in (
        client.get(PREFIX, headers=limited),
        client.put(FIRED, json={"text": "a"}, headers=limited),
        client.delete(FIRED, headers=limited),
        client.post(f"{PREFIX}/preview", json={"channel": "sms", "event": "test"}, headers=limited),
    ):
        assert answer.status_code == 403
    assert client.get(PREFIX).status_code == 401
