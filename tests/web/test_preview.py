"""Previews over REST."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask
from werkzeug.test import TestResponse

from services.alerts.preview.desk import AT_ONCE, Draft, Previews
from services.container import EXTENSION, Services
from services.health.graph import Graph
from services.history import write
from services.observation import Observation
from services.rule import Rule, Rulebook
from services.web import errors, guard
from services.web.rest import preview
from services.web.rest.operation import CHECK_ANSWERS
from tests.support import answers, site
from tests.support.second_by_second import Detector

PATH = "/api/admin/alerts/rules/preview"
CONDITION = {"metric": "cpu", "operator": "greaterThan", "value": 90, "duration": 30}
RULE = {"id": "hot", "name": "Hot", "severity": "warning", "condition": CONDITION}


@dataclass(frozen=True)
class Asking:
    """A site that previews, and how it is asked."""

    services: Services
    previews: Previews
    server: Flask

    def send(
        self, body: Any, tenants: list[str] | None = None, accept: str = "*/*"
    ) -> TestResponse:
        headers = {**site.bearer(self.services, tenants=tenants), "Accept": accept}
        return self.server.test_client().post(PATH, json=body, headers=headers, buffered=True)

    def ask(self, body: Any, tenants: list[str] | None = None) -> Any:
        answer = self.send(body, tenants)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def measure(self, target: str, *values: float) -> None:
        """CPU every 30 s, the last one half a minute ago."""
        first = int(time.time()) - 30 * len(values)
        observed = [
            Observation(target, first + 30 * n, metrics={"system.cpu.usage": value})
            for n, value in enumerate(values)
        ]
        with self.services.database.write() as session:
            write.samples(session, observed, write.target_ids(session, [target]))


@pytest.fixture
def asking(tmp_path: Path, empty_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    monkeypatch.setattr(site, "FLEET", answers.FLEET)
    services = site.build(tmp_path, empty_file)
    fleet = services.read.fleet()
    graph, book = Graph(fleet), Rulebook.first([Rule.model_validate(RULE)])
    previews = Previews(
        services.database, lambda: fleet, lambda: graph, lambda: book, 300.0, 30.0, 10.0, Detector
    )
    server = Flask("asking", root_path=str(site.HOME))
    server.extensions[EXTENSION] = replace(services, previews=previews)
    server.config[CHECK_ANSWERS] = True
    errors.install(server)
    guard.install(server)
    blueprint = Blueprint("rest", __name__)
    preview.routes.add_to(blueprint)
    server.register_blueprint(blueprint)
    yield Asking(services, previews, server)
    services.database.close()


def test_the_answer_tells_what_would_have_been(asking):
    asking.measure("vps-1", 10, 95, 95, 96, 10, 10)
    draft = {**RULE, "condition": {**CONDITION, "duration": 0}}
    body = asking.ask({"rule": draft, "timeRange": "1h", "limit": 5})
    assert (body["ruleId"], body["count"], body["pages"], body["unit"]) == ("hot", 1, 1, "%")
    assert (body["targets"], body["targetsWatched"], body["complete"]) == (
        3,
        3,
        True,
    )  # and this machine
    assert body["selfResolvedWithin5MinutesShare"] == 1.0
    assert body["pagesPerWeek"] == 168.0
    (firing,) = body["firings"]
    assert (firing["target"], firing["vpsId"], firing["peak"]) == ("vps-1", "vps-1", 96.0)
    assert firing["start"] < firing["end"]
    assert firing["start"].endswith("Z")
    assert (firing["seconds"], firing["occurrences"]) == (90.0, 1)
    compared = body["comparedTo"]
    assert (compared["version"], compared["count"], compared["addedCount"]) == (1, 1, 0)
    first = body["series"][0]
    assert first["target"] == "vps-1"
    assert {point["max"] for point in first["dataPoints"]} >= {96.0}
    assert body["span"]["days"] == pytest.approx(1 / 24, abs=0.001)


def test_without_a_range_it_is_a_month(asking):
    assert asking.ask({"rule": RULE})["span"]["days"] == 30.0


def test_it_tells_line_by_line_how_far_it_is(asking):
    asking.measure("vps-1", 10, 95, 95, 96, 10)
    answer = asking.send({"rule": RULE}, accept=preview.LINES)
    assert answer.headers["Content-Type"].startswith(preview.LINES)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[0] == {"done": 0.0, "targets": 0, "of": 3}
    done = [line["done"] for line in lines]
    assert done == sorted(done)
    assert lines[-1]["done"] == 1
    assert lines[-1]["preview"] == asking.ask({"rule": RULE}) | {
        "span": lines[-1]["preview"]["span"],
        "series": lines[-1]["preview"]["series"],
    }


def test_limited_callers_get_their_servers(asking):
    for vps_id in ("vps-1", "vps-2"):
        asking.measure(vps_id, 10, 95, 95, 96, 10)
    body = asking.ask({"rule": RULE}, ["acme"])
    assert [firing["vpsId"] for firing in body["firings"]] == ["vps-1"]
    assert "vps-2" not in json.dumps(body)
    assert body["targetsWatched"] == 1


def test_a_third_one_waits_its_turn(asking):
    now = time.time()
    draft = Draft(Rule.model_validate(RULE), now - 3600, now)
    running = [asking.previews.begin(draft, None) for _ in range(AT_ONCE)]
    refused = asking.send({"rule": RULE})
    assert (refused.status_code, refused.get_json()["errorCode"]) == (503, "UNAVAILABLE")
    for one in running:
        one.close()
    for accept in ("*/*", preview.LINES) * 3:
        assert asking.send({"rule": RULE}, accept=accept).status_code == 200


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "rule"),
        ({"rule": RULE, "more": 1}, "more"),
        ({"rule": RULE, "limit": 0}, "limit"),
        ({"rule": RULE, "limit": 1001}, "limit"),
        ({"rule": RULE, "timeRange": "yesterday"}, "timeRange"),
        ({"rule": RULE, "timeRange": "1h", "from": "now-2h"}, "not both"),
        ({"rule": RULE, "timeRange": "300d"}, "100 days"),
        ({"rule": RULE, "from": "now+1h", "to": "now+2h"}, "past"),
        ({"rule": {**RULE, "severity": "bad"}}, "severity"),
        ({"rule": {**RULE, "condition": {**CONDITION, "metric": "cpux"}}}, "cpu"),
        ({"rule": {**RULE, "condition": {**CONDITION, "duration": -1}}}, "duration"),
        ({"rule": {**RULE, "condition": {**CONDITION, "operator": "like"}}}, "operator"),
    ],
)
def test_mistakes_are_told(asking, body, said):
    answer = asking.send(body)
    assert answer.status_code == 400, answer.text
    assert answer.get_json()["errorCode"] == "VALIDATION_ERROR"
    assert said in answer.text


def test_nobody_without_a_name(asking):
    assert asking.server.test_client().post(PATH, json={"rule": RULE}).status_code == 401
