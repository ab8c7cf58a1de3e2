"""The course of a metric over REST."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.observation import Status
from tests.support import answers, site


@pytest.fixture
def past(
    tmp_path: Path, empty_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[answers.Site]:
    monkeypatch.setattr(site, "FLEET", answers.FLEET)
    services = site.build(tmp_path, empty_file)
    yield answers.Site(services)
    services.database.close()


def values(body, of="dataPoints"):
    return [point["value"] for point in body[of]]


def test_without_filters_it_is_the_fleets_cpu_of_a_day(past):
    past.measure("vps-1", 3000, system_cpu_usage=10.0)
    past.measure("vps-2", 3000, system_cpu_usage=30.0)
    past.measure("vps-1", 3 * 86400, system_cpu_usage=99.0)
    body = past.get("history")
    assert list(body)[:3] == ["metric", "timeRange", "unit"]
    assert (body["metric"], body["timeRange"], body["unit"]) == ("cpu", "24h", "%")
    assert values(body) == [20.0]
    assert (body["dataPoints"][0]["min"], body["dataPoints"][0]["max"]) == (10.0, 30.0)
    assert "series" not in body


def test_several_servers_are_a_series_each(past):
    past.measure("vps-1", 3000, system_cpu_usage=10.0)
    past.measure("vps-2", 3000, system_cpu_usage=30.0)
    for query in ("vpsId=vps-1&vpsId=vps-2", "vpsId=vps-1,vps-2"):
        body = past.get(f"history?{query}&metric=system.cpu.usage")
        assert values(body) == [20.0]
        assert [(s["vpsId"], values(s)) for s in body["series"]] == [
            ("vps-1", [10.0]),
            ("vps-2", [30.0]),
        ]


def test_what_was_kept_and_what_is_new_come_together(past):
    past.measure("vps-1", 3000, system_cpu_usage=10.0)
    assert values(past.get("history?timeRange=2h&vpsId=vps-1")) == [10.0]
    past.measure("vps-1", 1, system_cpu_usage=50.0)
    assert values(past.get("history?timeRange=2h&vpsId=vps-1"))[-1] == 50.0
    # what is older than a minute is settled until the entry ends
    past.measure("vps-1", 2000, system_cpu_usage=70.0)
    assert values(past.get("history?timeRange=2h&vpsId=vps-1")) == [10.0, 50.0]
    assert 70.0 in values(past.get("history?timeRange=2h&vpsId=vps-1&points=400"))


def test_the_bucket_that_is_open_has_what_was_settled_of_it_and_what_came_after(past):
    past.measure("vps-1", 100, system_cpu_usage=10.0)
    query = "history?from=now-30d&to=now&vpsId=vps-1&points=1"
    assert values(past.get(query)) == [10.0]
    past.measure("vps-1", 5, system_cpu_usage=20.0)
    assert values(past.get(query)) == [15.0]


def test_services_by_name_and_type_and_of_a_tenant(past):
    past.probe("vps-1/api", 600, 100.0)
    past.probe("vps-2/api", 600, 300.0)
    past.probe("@acme/web", 600, 50.0)
    past.probe("@acme/shop", 600, 70.0)

    def mean(query):
        return values(past.get(f"history?metric=responseTime&{query}"))

    assert mean("service=api") == [200.0]
    assert mean("service=backend&vpsId=vps-2") == [300.0]
    assert mean("service=vps-1/api") == [100.0]
    assert mean("tenantId=acme") == [60.0]
    assert mean("tenantId=globex") == [300.0]
    body = past.get("history?metric=uptime&service=api,postgres")
    assert body["unit"] == "s"
    assert [(s["service"], values(s)) for s in body["series"]] == [
        ("api", [3600.0]),
        ("postgres", []),
    ]


def test_a_status_is_the_share_of_healthy_time(past):
    past.become("vps-1/postgres", Status.HEALTHY, 7200)
    past.become("vps-1/postgres", Status.UNHEALTHY, 3600)
    body = past.get("history?metric=database.status&timeRange=2h&points=1")
    assert body["unit"] == "%"
    assert values(body) == [pytest.approx(50, abs=1)]
    past.become("vps-1/postgres", Status.UNKNOWN, 30)
    assert values(past.get("history?metric=database.status&timeRange=1m&points=60"))[0] == 0.0
    assert values(past.get("history?metric=vps.status")) == []


def test_the_score_is_what_it_was(past):
    for key in ("vps-1", "vps-2", "vps-1/api", "vps-1/postgres", "vps-2/api"):
        past.become(key, Status.HEALTHY, 7200)
    assert set(values(past.get("history?metric=score&timeRange=1h&points=6"))) == {100.0}
    past.become("vps-1/postgres", Status.UNHEALTHY, 20)
    body = past.get("history?metric=score&timeRange=1h")
    assert body["unit"] == "points"
    assert body["dataPoints"][0]["value"] == 100.0
    # parts weigh 1 and 1 more for each tenant they reach: it reaches none, the others one
    assert body["dataPoints"][-1]["value"] == pytest.approx(100 - 100 / 9 - 10, abs=0.01)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("timeRange=24", "a whole number and m, h, d or w, such as 24h"),
        ("timeRange=1.5h", "a whole number"),
        ("timeRange=NaNh", "a whole number"),
        ("timeRange=0h", "a whole number"),
        ("timeRange=99999999999w", "a whole number"),
        ("timeRange=99999w", "3650d at most"),
        ("timeRange=24h&from=now-1h", "not both"),
        ("from=now&to=now-1h", "from must lie before to"),
        ("from=yesterday", "from must be a time such as"),
        ("from=2025-13-01", "from must be a time such as"),
        ("to=now-h", "to must be a time such as"),
        ("metric=cpus", "did you mean cpu"),
        ("metric=vps.reporting", "has no course"),
        ("metric=cpu&service=api", "leave service out"),
        ("points=0", "points"),
        ("points=5001", "points"),
        ("vpsId=VPS-1", "vpsId must be an id"),
        ("vpsId=vps-1,", "vpsId must be an id"),
        ("other=1", "other"),
    ],
)
def test_what_is_asked_wrongly_is_told(past, query, said):
    assert said in past.refused(f"history?{query}")


@pytest.mark.parametrize(
    "query",
    [
        "from=0001-01-01&to=9999-12-31T23:59:59-14:00",
        "from=0001-01-01T00:00:00%2B14:00&to=now",
        "from=now-1000w&to=now%2B1000w",
        "from=1969-01-01&to=1971-01-01",
        "from=9999-01-01",
        "timeRange=520w&points=1",
        "timeRange=1m&points=5000",
    ],
)
def test_ranges_of_any_size_are_answered(past, query):
    past.measure("vps-1", 10, system_cpu_usage=10.0)
    answer = past.send("GET", f"health/history?{query}")
    expected = 400 if query == "from=9999-01-01" else 200
    assert answer.status_code == expected, answer.text


def test_what_a_caller_may_not_know_of_is_not_there(past):
    past.measure("vps-1", 3000, system_cpu_usage=10.0)
    past.measure("vps-2", 3000, system_cpu_usage=30.0)
    assert values(past.get("history")) == [20.0]
    assert values(past.get("history", "globex")) == [30.0]
    assert values(past.get("history", "acme")) == [10.0]
    for query in ("vpsId=vps-1", "tenantId=acme", "metric=database.status&service=postgres"):
        foreign = past.refused(f"history?{query}", "globex", 404)
        nobodys = past.refused(
            f"history?{query.replace('vps-1', 'vps-9').replace('acme', 'none')}", "globex", 404
        )
        assert foreign.split("'")[0] == nobodys.split("'")[0]
