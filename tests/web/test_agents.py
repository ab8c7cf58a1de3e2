"""The list of agents over REST."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient

from services.collect import ledger
from services.collect.reports import Report
from services.container import EXTENSION, Services
from services.identity.agent_tokens import AgentTokens
from services.identity.audit import Actor
from services.web import errors, guard
from services.web.rest import agents
from tests.support import site

AGENTS = "/api/admin/agents"
OPS = Actor("ops", "10.1.2.3")
SEEN = 1_700_000_000.0


@pytest.fixture
def tokens(services: Services) -> AgentTokens:
    return AgentTokens(
        services.database, lambda: {"vps-1": "agent", "vps-2": "agent"}, clock=lambda: SEEN - 60
    )


@pytest.fixture
def client(services: Services, tokens: AgentTokens) -> FlaskClient:
    bundle = {field.name: getattr(services, field.name) for field in fields(services)}
    server = Flask("agents", root_path=str(site.HOME))
    server.extensions[EXTENSION] = SimpleNamespace(**{**bundle, "agent_tokens": tokens})
    errors.install(server)
    guard.install(server)
    routes = Blueprint("rest", __name__)
    agents.routes.add_to(routes)
    server.register_blueprint(routes)
    return server.test_client()


def reports(services: Services, stream: str, at: float) -> None:
    said = ("healthdeck-agent/0.1.0", ("logs:api.service",))
    with services.database.write() as session:
        ledger.store(session, [Report("vps-1", stream, *said, at, 0.0, (), 3, ())])


def test_the_agents_are_listed_without_their_tokens(
    client: FlaskClient, services: Services, tokens: AgentTokens
) -> None:
    chief = site.bearer(services, "super_admin")
    assert client.get(AGENTS, headers=chief).get_json() == {"agents": []}
    token = tokens.enroll("vps-1", OPS)
    tokens.enroll("vps-2", OPS)
    reports(services, "stream-1", SEEN)
    reports(services, "stream-2", SEEN - 5)
    assert client.delete(f"{AGENTS}/vps-2", headers=chief).status_code == 204
    answer = client.get(AGENTS, headers=chief)
    assert answer.status_code == 200
    made = {"createdAt": "2023-11-14T22:12:20.000Z", "createdBy": "ops"}
    assert answer.get_json()["agents"] == [
        {
            "vpsId": "vps-1", **made, "lastSeenAt": "2023-11-14T22:13:20.000Z",
            "version": "healthdeck-agent/0.1.0", "allows": ["logs:api.service"], "revoked": False,
        },
        {
            "vpsId": "vps-2", **made, "lastSeenAt": None,
            "version": "", "allows": [], "revoked": True,
        },
    ]  # fmt: skip
    assert token not in answer.text


@pytest.mark.parametrize(
    ("role", "tenants"), [("admin", None), ("admin", ["acme"]), ("super_admin", ["acme"])]
)
def test_only_a_super_admin_of_everything_sees_them(
    client: FlaskClient, services: Services, role: str, tenants: list[str] | None
) -> None:
    assert client.get(AGENTS, headers=site.bearer(services, role, tenants)).status_code == 403
    assert client.get(AGENTS).status_code == 401
