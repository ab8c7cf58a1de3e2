"""The health routes that are kept as bytes: what they answer, to whom, and what /metrics counts."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from services.container import Services
from tests.support import site

HEALTH = "/api/admin/health"


@pytest.fixture
def limited(services: Services) -> dict[str, str]:
    """The header of a caller that may see globex alone, which is on vps-2."""
    return site.bearer(services, tenants=["globex"])


def test_a_tenant(user: FlaskClient) -> None:
    body = user.get(f"{HEALTH}/tenant/acme").get_json()
    assert list(body)[:8] == [
        "tenantId", "organizationName", "status", "vpsId", "services", "lastHealthCheck",
        "uptime", "activeAlerts",
    ]  # fmt: skip
    assert (body["organizationName"], body["vpsId"]) == ("ACME Corp", "vps-1")


@pytest.mark.parametrize(
    "path",
    ["tenant/acme", "tenant/nobody", "vps/vps-1", "dependencies?service=healthdeck-database",
     "dependencies?service=nothing"],
)  # fmt: skip
def test_what_a_limited_caller_may_not_know_of_is_not_there(
    anonymous: FlaskClient, user: FlaskClient, limited: dict[str, str], path: str
) -> None:
    user.get(f"{HEALTH}/{path}")  # even when it is kept for others
    answer = anonymous.get(f"{HEALTH}/{path}", headers=limited)
    assert (answer.status_code, answer.get_json()["errorCode"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "query", ["", "?service=", "?service=a%20b", "?service=a&service=b", "?other=1"]
)
def test_a_service_must_be_named(user: FlaskClient, query: str) -> None:
    answer = user.get(f"{HEALTH}/dependencies{query}")
    assert (answer.status_code, answer.get_json()["errorCode"]) == (400, "VALIDATION_ERROR")


def test_dependencies_of_a_type(user: FlaskClient) -> None:
    answer = user.get(f"{HEALTH}/dependencies?service=database")
    assert answer.get_json() == {"service": "database", "dependencies": []}


@pytest.mark.parametrize(
    "path", ["overview", "vps/vps-1", "tenant/acme", "dependencies?service=database"]
)
def test_who_has_it_already_is_not_sent_it_again(user: FlaskClient, path: str) -> None:
    first = user.get(f"{HEALTH}/{path}")
    assert first.content_type == "application/json"
    again = user.get(f"{HEALTH}/{path}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = user.get(f"{HEALTH}/{path}", headers={"If-None-Match": '"another"'})
    assert (other.status_code, other.data) == (200, first.data)


def test_requests_are_counted_by_whether_it_was_there(
    server: Flask, services: Services, user: FlaskClient
) -> None:
    for _ in range(3):
        user.get(f"{HEALTH}/tenant/acme")
    text = server.test_client().get("/metrics", headers=site.bearer(services)).text
    found = {
        (sample.labels["read"], sample.labels["result"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "healthdeck_cache_requests_total"
    }
    assert {read for read, _ in found} == {"overview", "vps", "tenant", "history", "dependencies"}
    assert (found["tenant", "miss"], found["tenant", "hit"]) == (1, 2)
    assert "healthdeck_cache_reachable 1.0" in text
    assert 'healthdeck_cache_bodies_total{read="tenant",why="request"} 1.0' in text
