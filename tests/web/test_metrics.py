"""``/metrics`` as a Prometheus server reads it."""

from __future__ import annotations

import time

import pytest
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from services.container import Services
from services.observation import CheckResult, Observation, Status
from tests.support import site


def scraped(text: str) -> dict[str, float]:
    return {sample.name: sample.value for family in plain(text) for sample in family.samples}


@pytest.fixture
def header(services: Services) -> dict[str, str]:
    return site.bearer(services)


def test_it_counts_what_was_stored(
    anonymous: FlaskClient, services: Services, header: dict[str, str]
) -> None:
    assert (
        scraped(anonymous.get("/metrics", headers=header).text)["healthdeck_observations_total"]
        == 0
    )
    services.intake.start()
    try:
        found = CheckResult(Status.HEALTHY, "fine", response_ms=3)
        services.intake.submit(
            [Observation("vps-1/healthdeck-cache", time.time(), check=found)] * 3
            + [Observation("vps-1", time.time(), error="could not look")]
        )
        services.intake.flush()
        values = scraped(anonymous.get("/metrics", headers=header).text)
    finally:
        services.intake.stop()
    assert values["healthdeck_observations_total"] == 3
    assert values["healthdeck_intake_waiting"] == 0
    assert 0 < values["healthdeck_intake_batch_seconds"] < 5


def test_it_says_how_the_rounds_do(
    anonymous: FlaskClient, services: Services, header: dict[str, str]
) -> None:
    values = scraped(anonymous.get("/metrics", headers=header).text)
    assert values["healthdeck_targets"] == services.rounds.stats()["targets"] > 0
    for name in ("looks_total", "looks_skipped_total", "readings_dropped_total"):
        assert values[f"healthdeck_{name}"] == 0
    assert values["healthdeck_looks_in_flight"] == 0
    assert values["healthdeck_collector_running"] == 0  # nothing was started


def test_it_says_what_the_process_costs(anonymous: FlaskClient, header: dict[str, str]) -> None:
    before = time.process_time()
    values = scraped(anonymous.get("/metrics", headers=header).text)
    assert before <= values["process_cpu_seconds_total"] <= time.process_time()
    assert 10e6 < values["process_resident_memory_bytes"] < 4e9
    assert values["process_start_time_seconds"] < time.time()


def test_who_prefers_openmetrics_gets_it(anonymous: FlaskClient, header: dict[str, str]) -> None:
    wanted = {**header, "Accept": "application/openmetrics-text; version=1.0.0, */*;q=0.1"}
    answer = anonymous.get("/metrics", headers=wanted)
    assert answer.content_type.startswith("application/openmetrics-text; version=1.0.0")
    kinds = {family.name: family.type for family in openmetrics(answer.text)}
    assert kinds["healthdeck_observations"] == "counter"
    other = anonymous.get("/metrics", headers=header)
    assert other.content_type == "text/plain; version=0.0.4; charset=utf-8"


def test_it_is_for_those_who_see_everything(anonymous: FlaskClient, services: Services) -> None:
    assert anonymous.get("/metrics").status_code == 401
    limited = site.bearer(services, tenants=["acme"])
    assert anonymous.get("/metrics", headers=limited).status_code == 403
