"""Restarts, logs and their jobs over REST, and the tokens of agents."""

from __future__ import annotations

import json
import threading
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Blueprint, Flask
from sqlalchemy import select, update

from models.agents import Agent
from models.audit import AuditRow
from services.collect.actions import ENDLESS, GOOD_FOR, MOST_WAITING, SLOW, Actions
from services.collect.reports import ResultIn
from services.container import EXTENSION, Services
from services.errors import Conflict, NotFound
from services.identity.agent_tokens import AgentTokens
from services.identity.audit import Actor
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.web import errors, guard
from services.web.rest import actions, agents
from tests.support import site
from tests.support.wait import eventually

OPS = Actor("ops", "10.1.2.3")
API = "/api/admin/health/vps/vps-1/services/api"
ALLOWED = ["restart:backend.service", "logs:backend.service", "restart:container:web"]
SERVICES = [
    {"name": "api", "type": "backend", "unit": "backend.service"},
    {"name": "web", "type": "frontend", "container": "web"},
    {"name": "loose", "type": "backend"},
]
FLEET = Fleet.build(
    Inventory.model_validate(
        {
            "vps": [
                {"id": "vps-1", "source": {"type": "agent"}, "services": SERVICES},
                {"id": "vps-2", "source": {"type": "agent"}, "services": SERVICES},
                {"id": "here", "source": {"type": "local"}, "services": SERVICES},
            ]
        }
    ),
    "testhost",
    "cache",
)


class Scene:
    """An agent that is enrolled and has reported, and a clock."""

    def __init__(self, database):
        self.now = 1_700_000_000.0
        self.database = database
        self.changed: list[str] = []
        self.actions = Actions(database, lambda: FLEET, self.changed.append, lambda: self.now)
        self.tokens = AgentTokens(
            database, lambda: {v.id: v.source.type for v in FLEET.vps.values() if v.source}
        )
        self.token = self.tokens.enroll("vps-1", OPS)
        self.says(ALLOWED)

    def says(self, allows):
        with self.database.write() as session:
            session.execute(update(Agent).values(version="healthdeck-agent/0.1.0", allows=allows))

    def told(self, job, state, output="", code=None, vps="vps-1"):
        given = {"id": job["id"], "state": state, "output": output, "exitCode": code}
        self.actions.results(vps, [ResultIn.model_validate(given)])
        return self.actions.job(job["id"])

    def audit(self):
        with self.database.read() as session:
            rows = session.scalars(select(AuditRow).order_by(AuditRow.id))
            return [row for row in rows if row.action.startswith("service.")]


@pytest.fixture
def scene(services: Services) -> Scene:
    return Scene(services.database)


@pytest.fixture
def both(database) -> Scene:
    """The same on each kind of database."""
    return Scene(database)


@pytest.fixture
def client(services: Services, scene: Scene):
    bundle: dict[str, Any] = {f.name: getattr(services, f.name) for f in fields(services)}
    bundle |= {"actions": scene.actions, "agent_tokens": scene.tokens}
    server = Flask("actions", root_path=str(site.HOME))
    server.extensions[EXTENSION] = SimpleNamespace(**bundle)
    errors.install(server)
    guard.install(server)
    routes = Blueprint("rest", __name__)
    actions.routes.add_to(routes)
    agents.routes.add_to(routes)
    server.register_blueprint(routes)
    return server.test_client()


@pytest.fixture
def chief(services: Services) -> dict[str, str]:
    return site.bearer(services, "super_admin")


def test_a_restart_from_the_question_to_the_answer(both: Scene) -> None:
    asked = both.actions.restart("vps-1", "api", OPS)
    assert (asked["state"], asked["unit"], asked["requestedBy"]) == (
        "queued", "backend.service", "ops",
    )  # fmt: skip
    assert both.actions.restart("vps-1", "api", OPS)["id"] == asked["id"], "nobody means two"
    assert both.actions.commands("vps-2") == []
    (command,) = both.actions.commands("vps-1")
    assert command == {
        "id": asked["id"],
        "action": "restart",
        "unit": "backend.service",
        "lines": 0,
        "expiresAt": both.now + GOOD_FOR,
    }
    assert both.actions.commands("vps-1") == [], "once"
    assert both.actions.job(asked["id"])["state"] == "sent"
    assert both.told(asked, "running")["state"] == "running"
    assert both.told(asked, "done", vps="vps-2")["state"] == "running", "not its own"
    done = both.told(asked, "failed", "no\x00t \x1bfound\n" + "x" * 10, 5)
    assert (done["state"], done["output"], done["exitCode"]) == (
        "failed", "no t  found\n" + "x" * 10, 5,
    )  # fmt: skip
    assert both.told(asked, "running")["state"] == "failed"
    assert both.told(asked, "done")["state"] == "failed", "what has ended stays so"
    assert both.changed.count(asked["id"]) == 5, "asked twice, sent, begun, ended"
    rows = both.audit()
    assert [(r.action, r.target, r.who, r.address) for r in rows] == [
        ("service.restart", "vps-1/api", "ops", "10.1.2.3")
    ] * 2
    assert rows[0].detail == {"job": asked["id"], "unit": "backend.service"}
    assert both.actions.restart("vps-1", "web", OPS)["unit"] == "container:web"


def test_what_nobody_fetched_expires(both: Scene) -> None:
    asked = both.actions.restart("vps-1", "api", OPS)
    both.actions.expire(both.now + GOOD_FOR - 1)
    assert both.actions.job(asked["id"])["state"] == "queued"
    both.now += GOOD_FOR
    assert both.actions.commands("vps-1") == [], "too late, whether it was ended or not"
    both.actions.expire(both.now)
    ended = both.actions.job(asked["id"])
    assert ended["state"] == "expired"
    assert "Nothing was done" in ended["output"]
    assert both.told(asked, "done")["state"] == "expired", "it was never handed out"
    assert both.actions.restart("vps-1", "api", OPS)["id"] != asked["id"]


def test_what_was_never_heard_of_again_ends(both: Scene) -> None:
    lost = both.actions.restart("vps-1", "api", OPS)
    begun = both.actions.logs("vps-1", "api", 10, OPS)
    both.actions.commands("vps-1")
    both.told(begun, "running")
    both.now += GOOD_FOR + SLOW
    both.actions.expire(both.now)
    assert both.actions.job(lost["id"])["state"] == "expired"
    assert both.actions.job(begun["id"])["state"] == "running"
    assert both.told(lost, "done", "late")["output"] == "late"
    both.now += ENDLESS
    both.actions.expire(both.now)
    assert both.actions.job(begun["id"])["state"] == "failed"
    both.actions.logs("vps-1", "api", 10, OPS)
    both.actions.expire(both.now + 91 * 86400)
    with pytest.raises(NotFound):
        both.actions.job(lost["id"])


def test_only_so_many_wait_for_one_agent(both: Scene) -> None:
    for _ in range(MOST_WAITING):
        both.actions.logs("vps-1", "api", 10, OPS)
    with pytest.raises(Conflict, match="connected"):
        both.actions.logs("vps-1", "api", 10, OPS)


def test_a_restart_over_rest(client, chief, scene: Scene) -> None:
    answer = client.post(f"{API}/restart", headers=chief)
    assert answer.status_code == 202
    job = answer.get_json()["job"]
    assert client.get(f"/api/admin/jobs/{job['id']}", headers=chief).get_json()["job"] == job
    assert scene.audit()[0].who == "script"
    assert scene.audit()[0].address == "127.0.0.1"


def test_logs_come_at_once_when_the_agent_is_quick(client, chief, scene: Scene) -> None:
    def agent() -> None:
        (command,) = eventually(lambda: scene.actions.commands("vps-1"), 5, "a command")
        assert command["lines"] == 7
        scene.told(command, "done", "line 1\nline 2\n", 0)

    thread = threading.Thread(target=agent)
    thread.start()
    answer = client.get(f"{API}/logs?lines=7", headers=chief)
    thread.join(5)
    assert (answer.status_code, answer.get_json()["log"]) == (200, "line 1\nline 2\n")


def test_logs_that_take_time_are_a_job(client, services, monkeypatch) -> None:
    monkeypatch.setattr(actions, "PATIENCE", 0.05)
    answer = client.get(f"{API}/logs", headers=site.bearer(services, "admin"))
    assert answer.status_code == 202
    assert answer.get_json()["job"]["state"] == "queued"


@pytest.mark.parametrize("lines", ["0", "1001", "-1", "x", "1e3", "²", "9" * 5000])
def test_a_wrong_number_of_lines(client, chief, lines: str) -> None:
    assert client.get(f"{API}/logs?lines={lines}", headers=chief).status_code == 400


def test_what_cannot_be_done_says_what_to_do(client, chief, scene: Scene) -> None:
    def asks(vps: str, service: str, status: int) -> str:
        path = f"/api/admin/health/vps/{vps}/services/{service}/restart"
        answer = client.post(path, headers=chief)
        assert answer.status_code == status
        return answer.get_json()["error"]

    assert "Did you mean api?" in asks("vps-1", "apis", 404)
    assert "Did you mean vps-" in asks("vps-3", "api", 404)
    assert "source: {type: agent}" in asks("here", "api", 409)
    assert "unit: loose.service" in asks("vps-1", "loose", 409)
    assert "app.py enroll vps-2" in asks("vps-2", "api", 409)
    scene.says(["logs:backend.service"])
    assert "--allow restart:backend.service" in asks("vps-1", "api", 409)
    scene.tokens.enroll("vps-2", OPS)
    assert "not reported yet" in asks("vps-2", "api", 409)
    scene.tokens.revoke("vps-1", OPS)
    assert "app.py enroll vps-1" in asks("vps-1", "api", 409)
    assert "job" in client.get("/api/admin/jobs/none", headers=chief).get_json()["error"]


def test_who_may(client, services, scene: Scene) -> None:
    job = f"/api/admin/jobs/{scene.actions.restart('vps-1', 'api', OPS)['id']}"
    everything = (
        ("POST", f"{API}/restart"), ("GET", f"{API}/logs"), ("GET", job),
        ("POST", "/api/admin/agents"), ("DELETE", "/api/admin/agents/vps-1"),
    )  # fmt: skip
    limited = (site.bearer(services, role, ["acme"]) for role in ("admin", "super_admin"))
    for headers in limited:
        for method, path in everything:
            assert client.open(path, method=method, headers=headers).status_code == 403
    admin = site.bearer(services, "admin")
    assert client.post(f"{API}/restart", headers=admin).status_code == 403
    assert client.post("/api/admin/agents", headers=admin).status_code == 403
    assert client.get(job, headers=admin).status_code == 200
    agent = {"Authorization": f"Bearer {scene.token}"}
    for method, path in everything:
        assert client.open(path, method=method).status_code == 401
        assert client.open(path, method=method, headers=agent).status_code == 401


def test_a_token_is_made_and_ended_over_rest(client, chief, scene: Scene) -> None:
    answer = client.post("/api/admin/agents", json={"vpsId": "vps-2"}, headers=chief)
    told = answer.get_json()
    assert answer.status_code == 201
    assert scene.tokens.authenticate(told["token"]) == "vps-2"
    assert told["command"].startswith("curl -fsS http://localhost/agent.pyz -o agent.pyz && ")
    assert client.delete("/api/admin/agents/vps-2", headers=chief).status_code == 204
    assert client.delete("/api/admin/agents/vps-2", headers=chief).status_code == 404
    wrong = json.dumps({"vpsId": 1})
    answer = client.post(
        "/api/admin/agents", data=wrong, content_type="application/json", headers=chief
    )
    assert answer.status_code == 400
