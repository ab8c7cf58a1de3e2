"""Servers and tenants added, changed and taken away over REST."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient

from services.container import EXTENSION, Services
from services.inventory.desk import InventoryDesk
from services.inventory.load import read_inventory
from services.web import errors, guard
from services.web.rest import fleet
from tests.support import site

VPS = "/api/admin/health/vps"
TENANTS = "/api/admin/health/tenants"
NEW = {"id": "vps-9", "name": "Ninth", "source": {"type": "agent"}, "tenants": ["acme"]}


@pytest.fixture
def told() -> list[Any]:
    """The inventories that came into force."""
    return []


@pytest.fixture
def client(services: Services, told: list[Any]) -> FlaskClient:
    """These routes behind the guard, over a desk of their own."""
    assert services.settings.inventory
    file = read_inventory(services.settings.inventory, {})
    desk = InventoryDesk(services.database, file, told.append, {})
    bundle = {field.name: getattr(services, field.name) for field in fields(services)}
    server = Flask("fleet", root_path=str(site.HOME))
    server.extensions[EXTENSION] = SimpleNamespace(**{**bundle, "inventory": desk})
    errors.install(server)
    guard.install(server)
    routes = Blueprint("rest", __name__)
    fleet.routes.add_to(routes)
    server.register_blueprint(routes)
    return server.test_client()


@pytest.fixture
def chief(services: Services) -> dict[str, str]:
    return site.bearer(services, "super_admin")


def test_a_server_comes_changes_and_goes(
    client: FlaskClient, chief: dict[str, str], told: list[Any]
) -> None:
    answer = client.post(VPS, json=NEW, headers=chief)
    assert (answer.status_code, answer.get_json()) == (201, NEW)
    assert [vps.id for vps in told[-1].vps] == ["vps-1", "vps-2", "vps-9"]
    answer = client.put(f"{VPS}/vps-9", json={"name": "Nine"}, headers=chief)
    assert (answer.status_code, answer.get_json()) == (200, {"id": "vps-9", "name": "Nine"})
    answer = client.delete(f"{VPS}/vps-9", headers=chief)
    assert (answer.status_code, answer.data) == (204, b"")
    assert [vps.id for vps in told[-1].vps] == ["vps-1", "vps-2"]
    assert client.delete(f"{VPS}/vps-9", headers=chief).status_code == 404


def test_a_tenant_comes_changes_and_goes(
    client: FlaskClient, chief: dict[str, str], told: list[Any]
) -> None:
    new = {"id": "initech", "services": [{"name": "web", "url": "https://i.example"}]}
    answer = client.post(TENANTS, json=new, headers=chief)
    assert (answer.status_code, answer.get_json()) == (201, new)
    answer = client.put(f"{TENANTS}/initech", json={"sla": 99}, headers=chief)
    assert (answer.status_code, answer.get_json()) == (200, {"id": "initech", "sla": 99})
    assert client.delete(f"{TENANTS}/initech", headers=chief).status_code == 204
    assert [tenant.id for tenant in told[-1].tenants] == ["acme", "globex"]


def test_a_wrong_one_is_told_field_by_field(client: FlaskClient, chief: dict[str, str]) -> None:
    wrong = {**NEW, "regoin": "nl", "tenants": ["acmee"]}
    answer = client.post(VPS, json=wrong, headers=chief)
    body = answer.get_json()
    assert (answer.status_code, body["errorCode"]) == (400, "VALIDATION_ERROR")
    assert body["error"] == "The server 'vps-9' is not as it should be."
    assert [detail["field"] for detail in body["details"]] == ["regoin", "tenants[0]"]


def test_a_password_is_refused_and_not_repeated(client: FlaskClient, chief: dict[str, str]) -> None:
    check = {"redis": "redis://:hush-hush@h"}
    given = {"id": "v", "services": [{"name": "a", "type": "b", "check": check}]}
    answer = client.post(VPS, json=given, headers=chief)
    assert answer.status_code == 400
    assert "write ${NAME}" in answer.get_json()["details"][0]["problem"]
    assert "hush" not in answer.text


def test_what_the_file_says_is_read_only(client: FlaskClient, chief: dict[str, str]) -> None:
    answers = [
        client.post(VPS, json={"id": "vps-1"}, headers=chief),
        client.put(f"{VPS}/vps-1", json={}, headers=chief),
        client.delete(f"{VPS}/vps-1", headers=chief),
        client.post(TENANTS, json={"id": "acme"}, headers=chief),
        client.put(f"{TENANTS}/acme", json={}, headers=chief),
        client.delete(f"{TENANTS}/acme", headers=chief),
    ]
    assert [answer.status_code for answer in answers] == [409] * 6
    assert {answer.get_json()["errorCode"] for answer in answers} == {"CONFLICT"}


def test_what_others_need_stays(client: FlaskClient, chief: dict[str, str]) -> None:
    client.post(TENANTS, json={"id": "initech"}, headers=chief)
    client.post(VPS, json={**NEW, "tenants": ["initech"]}, headers=chief)
    answer = client.delete(f"{TENANTS}/initech", headers=chief)
    assert answer.status_code == 409
    assert "server 'vps-9' (added by script): tenants[0]" in answer.get_json()["details"][0]


@pytest.mark.parametrize(
    ("role", "tenants"), [("admin", None), ("admin", ["acme"]), ("super_admin", ["acme"])]
)
def test_only_a_super_admin_of_everything_may(
    client: FlaskClient, services: Services, told: list[Any], role: str, tenants: list[str] | None
) -> None:
    headers = site.bearer(services, role, tenants)
    for path, one in ((VPS, "vps-1"), (TENANTS, "acme"), (VPS, "gone")):
        answers = [
            client.post(path, json=NEW, headers=headers),
            client.put(f"{path}/{one}", json={}, headers=headers),
            client.delete(f"{path}/{one}", headers=headers),
        ]
        assert [answer.status_code for answer in answers] == [403] * 3
    assert client.post(VPS, json=NEW).status_code == 401
    assert told == []


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"id": NaN}', b'{"id": "\\u0000"}'])
def test_a_body_that_is_no_object(client: FlaskClient, chief: dict[str, str], data: bytes) -> None:
    for send, path in ((client.post, VPS), (client.put, f"{VPS}/vps-9"), (client.post, TENANTS)):
        answer = send(path, data=data, content_type="application/json", headers=chief)
        assert answer.status_code == 400


@pytest.mark.parametrize("wrong", ["VPS-1", "a%20b", "-x"])
def test_an_id_that_nothing_can_have(
    client: FlaskClient, chief: dict[str, str], wrong: str
) -> None:
    for path in (VPS, TENANTS):
        assert client.put(f"{path}/{wrong}", json={}, headers=chief).status_code == 400
        assert client.delete(f"{path}/{wrong}", headers=chief).status_code == 400


def test_another_id_in_the_body_is_refused(client: FlaskClient, chief: dict[str, str]) -> None:
    client.post(VPS, json=NEW, headers=chief)
    answer = client.put(f"{VPS}/vps-9", json={"id": "vps-8"}, headers=chief)
    assert answer.status_code == 400
    assert answer.get_json()["details"] == [
        {"field": "id", "problem": "must be 'vps-9' or left out"}
    ]


def test_a_browser_needs_the_right_origin(client: FlaskClient, services: Services) -> None:
    cookie = services.identity.log_in(site.NAME, site.PASSWORD)
    client.set_cookie("healthdeck", cookie)
    assert client.post(VPS, json=NEW).status_code == 403
    ours = {"Origin": "http://localhost"}
    assert client.post(VPS, json=NEW, headers=ours).status_code == 201
