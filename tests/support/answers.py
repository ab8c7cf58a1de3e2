"""The operations about the past and the lists, over real services and a small past."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Flask
from flask.json.provider import DefaultJSONProvider
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services.container import EXTENSION, Services
from services.health.status import Judgement
from services.history import write
from services.observation import CheckResult, Observation, Status
from services.web import errors, guard
from services.web.rest import events, export, history, lists, notes, sla
from services.web.rest.operation import CHECK_ANSWERS
from tests.support import site

PARTS = (history, export, lists, events, sla, notes)
FLEET = """
vps:
  - id: vps-1
    name: "=Netherlands 1"
    region: nl-west
    source: {type: agent}
    services:
      - {name: api, type: backend}
      - {name: postgres, type: database}
    tenants: [acme]
  - id: vps-2
    name: Netherlands 2
    source: {type: agent}
    services:
      - {name: api, type: backend}
    tenants: [globex]
tenants:
  - id: acme
    organizationName: ACME Corp
    sla: 99.5
    services:
      - {name: web, url: "https://acme.example", runsOn: vps-1/api}
      - {name: shop, url: "https://shop.acme.example", runsOn: vps-1/api}
  - {id: globex, organizationName: Globex}
"""


def serve(services: Services) -> Flask:
    """These operations behind the guard."""
    server = Flask("answers", root_path=str(site.HOME))
    server.extensions[EXTENSION] = services
    server.config[CHECK_ANSWERS] = True
    if isinstance(server.json, DefaultJSONProvider):
        server.json.sort_keys = False
    errors.install(server)
    guard.install(server)
    blueprint = Blueprint("rest", __name__)
    for part in PARTS:
        part.routes.add_to(blueprint)
    server.register_blueprint(blueprint)
    return server


class Site:
    """``get`` as a caller of the whole fleet, or one limited to ``tenants``."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.client: FlaskClient = serve(services).test_client()
        self.now = time.time()
        self._headers = {
            None: site.bearer(services),
            "acme": site.bearer(services, tenants=["acme"]),
            "globex": site.bearer(services, tenants=["globex"]),
        }

    def send(self, method: str, path: str, tenant: str | None = None, **more: Any) -> TestResponse:
        more.setdefault("buffered", True)
        return self.client.open(
            f"/api/admin/{path}", method=method, headers=self._headers[tenant], **more
        )

    def get(self, path: str, tenant: str | None = None) -> Any:
        answer = self.send("GET", f"health/{path}", tenant)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def refused(self, path: str, tenant: str | None = None, status: int = 400) -> str:
        answer = self.send("GET", f"health/{path}", tenant)
        assert answer.status_code == status, answer.text
        return answer.get_json()["error"]

    def measure(self, target: str, ago: float, **metrics: float) -> None:
        """A reading of a machine; names with _ for dots: ``system_cpu_usage``."""
        values = {name.replace("_", "."): value for name, value in metrics.items()}
        self._store(Observation(target, self.now - ago, metrics=values))

    def probe(self, target: str, ago: float, response_ms: float) -> None:
        check = CheckResult(Status.HEALTHY, "well", response_ms=response_ms, uptime_s=3600.0)
        self._store(Observation(target, self.now - ago, check=check))

    def _store(self, observation: Observation) -> None:
        with self.services.database.write() as session:
            ids = write.target_ids(session, [observation.target])
            write.samples(session, [observation], ids)

    def become(self, target: str, status: Status, ago: float, reason: str = "so it is") -> None:
        """The status of a target from then on, stored and on the board."""
        before = self.services.board.get(target)
        check = CheckResult(status, reason, response_ms=12.5, evidence={"status": 503})
        after = Judgement(
            status, self.now - ago, reason, status, 2, self.now - ago,
            previous=before.status if before else None, check=check,
        )  # fmt: skip
        with self.services.database.write() as session:
            ids = write.target_ids(session, [target])
            write.judgements(session, {target: (before, after)}, ids)
        self.services.board.apply({target: after})
