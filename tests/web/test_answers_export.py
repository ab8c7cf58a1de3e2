"""Exports over REST."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from models.targets import HostSample
from services.history import bulk, write
from services.views.export import as_csv
from services.web.rest import export as operation
from tests.support import answers, site


@pytest.fixture
def past(
    tmp_path: Path, empty_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[answers.Site]:
    monkeypatch.setattr(site, "FLEET", answers.FLEET)
    services = site.build(tmp_path, empty_file)
    yield answers.Site(services)
    services.database.close()


def rows(answer):
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline="")))


def test_csv_has_units_and_no_formulas(past):
    past.measure("vps-1", 600, system_cpu_usage=12.5, system_network_sent=1000.0)
    past.measure("vps-2", 600, system_cpu_usage=30.0)
    answer = past.send("GET", "health/export?format=csv&timeRange=1h")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    told = answer.headers["Content-Disposition"]
    assert told.startswith('attachment; filename="healthdeck-')
    assert told.endswith('-raw.csv"')
    assert b"\r\n" in answer.data
    first, second = rows(answer)
    assert (first["vpsId"], first["name"]) == ("vps-1", "'=Netherlands 1")
    assert first["system.cpu.usage (%)"] == "12.5"
    assert first["system.network.sent (bytes/s)"] == "1000.0"
    assert first["system.memory.usedPercent (%)"] == ""
    assert first["timestamp (UTC)"].endswith("Z")
    assert (second["vpsId"], second["system.cpu.usage (%)"]) == ("vps-2", "30.0")


def test_json_is_one_document(past):
    past.measure("vps-1", 600, system_cpu_usage=12.5)
    past.measure("vps-1", 500, system_cpu_usage=13.5)
    body = json.loads(past.send("GET", "health/export?timeRange=7d&metric=cpu,memory").data)
    assert body["resolution"] == "10m"
    assert [m["name"] for m in body["metrics"]] == [
        "system.cpu.usage",
        "system.memory.usedPercent",
    ]
    (series,) = body["series"]
    assert (series["vpsId"], series["metric"], series["unit"]) == ("vps-1", "system.cpu.usage", "%")
    values = [point["value"] for point in series["dataPoints"]]
    assert values in ([13.0], [12.5, 13.5])
    assert {"timestamp", "value", "min", "max"} == set(series["dataPoints"][0])


def test_an_empty_export_is_whole_too(past):
    body = json.loads(past.send("GET", "health/export?timeRange=1h").data)
    assert body["series"] == []
    assert rows(past.send("GET", "health/export?format=csv&from=1990-01-01&to=1991-01-01")) == []


def test_services_and_applications(past):
    past.probe("vps-1/api", 60, 100.0)
    past.probe("@acme/web", 60, 50.0)
    found = rows(past.send("GET", "health/export?format=csv&metric=responseTime&timeRange=1h"))
    assert [(r["vpsId"], r["service"], r["tenantId"]) for r in found] == [
        ("vps-1", "api", ""),
        ("", "web", "acme"),
    ]
    assert found[0]["service.responseTime (ms)"] == "100.0"


def test_a_limited_caller_gets_its_own(past):
    for vps_id in ("vps-1", "vps-2"):
        past.measure(vps_id, 600, system_cpu_usage=12.5)
        past.probe(f"{vps_id}/api", 600, 9.0)
    past.probe("@acme/web", 600, 9.0)
    for query in ("", "&metric=responseTime", "&metric=responseTime&service=api"):
        for kind in ("csv", "json"):
            text = past.send("GET", f"health/export?format={kind}{query}", "globex").text
            assert "vps-2" in text
            assert "vps-1" not in text
            assert "acme" not in text.lower()
    assert "vps-9" not in past.refused("export?vpsId=vps-1", "globex", 404)
    past.refused("export?tenantId=acme", "globex", 404)


@pytest.mark.parametrize(
    "query", ["format=xml", "resolution=5m", "metric=database.status", "metric=", "timeRange=7"]
)
def test_what_is_asked_wrongly_is_told(past, query):
    past.refused(f"export?{query}")


def test_one_that_breaks_off_does_not_end_well(past, monkeypatch):
    past.measure("vps-1", 600, system_cpu_usage=12.5)

    def broken(export, kind=as_csv):
        yield from islice(kind(export), 1)
        raise RuntimeError("the disk is gone")

    monkeypatch.setitem(operation._WRITERS, "csv", (broken, "text/csv"))
    response = past.send("GET", "health/export?format=csv&timeRange=1h", buffered=False)
    parts = iter(response.response)
    assert next(parts).startswith(b"timestamp")
    with pytest.raises(RuntimeError, match="disk"):
        next(parts)
    response.close()


def test_there_is_room_for_a_few_at_a_time(past):
    path = "health/export?format=csv&timeRange=1h"
    under_way = [past.send("GET", path, buffered=False) for _ in range(operation.AT_ONCE)]
    answer = past.send("GET", path)
    assert (answer.status_code, answer.get_json()["errorCode"]) == (503, "UNAVAILABLE")
    for one in under_way:
        one.close()
    for _ in range(2 * operation.AT_ONCE):
        assert past.send("GET", path).status_code == 200


def test_memory_does_not_grow_with_the_range(past):
    """Eight times the days take as much memory as one."""
    second = int(past.now) // 3600 * 3600

    def fill(first, last):
        with past.services.database.write() as session:
            target = write.target_ids(session, ["vps-1"])["vps-1"]
            rows = [
                (target, at, *([1.25] * 10))
                for at in range(second - last * 3600, second - first * 3600, 40)
            ]
            bulk.insert(session, HostSample, write._WIDE_COLUMNS, rows)

    def most(hours):
        with past.send(
            "GET", f"health/export?format=csv&resolution=raw&timeRange={hours}h", buffered=False
        ) as response:
            parts = iter(response.response)
            tracemalloc.start()
            size = sum(len(part) for part in parts)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return size, peak

    fill(0, 96)
    most(1)
    small, little = most(12)
    large, much = most(96)
    assert large > 7 * small
    assert much < 1.3 * little + 200_000
