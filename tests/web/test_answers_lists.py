"""Lists, events, SLA and annotations over REST."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, select

from models.audit import AuditRow
from services.events import AnnotationAdded, Event
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


GOOD, BAD, SLOW = Status.HEALTHY, Status.UNHEALTHY, Status.DEGRADED


def pages(past, path, of, tenant=None):
    """All rows, page by page, with the number of pages."""
    found, cursor, count = [], "", 0
    while cursor is not None:
        body = past.get(f"{path}{'&' if '?' in path else '?'}limit=2{cursor}", tenant)
        assert len(body[of]) <= 2
        found += body[of]
        count += 1
        cursor = body["nextCursor"] and f"&cursor={body['nextCursor']}"
    return found, count


def test_services_are_listed_sorted_and_filtered(past):
    past.become("vps-1/api", GOOD, 900)
    past.become("vps-1/postgres", BAD, 800, "refused")
    body = past.get("services?q=VPS-")
    names = [row["id"] for row in body["services"]]
    assert names == ["vps-1/api", "vps-2/api", "vps-1/postgres"]
    assert body["total"] == 3
    worst = past.get("services?sort=-status&limit=1")["services"][0]
    assert (worst["id"], worst["status"], worst["reason"]) == (
        "vps-1/postgres", "unhealthy", "refused",
    )  # fmt: skip
    assert (worst["responseTime"], worst["type"], worst["vpsName"]) == (
        12.5, "database", "=Netherlands 1",
    )  # fmt: skip
    assert past.get("services?status=unhealthy")["total"] == 1
    assert past.get("services?type=backend&vpsId=vps-2")["services"][0]["id"] == "vps-2/api"
    for sort in ("name", "-name", "responseTime", "-responseTime", "since", "-status", "vpsId"):
        found, count = pages(past, f"services?q=vps-&sort={sort}", "services")
        assert len({row["id"] for row in found}) == len(found) == 3, sort
        assert count == 2


def test_a_page_goes_on_where_it_was_although_rows_moved(past):
    first = past.get("services?sort=-status&limit=2&q=vps-")
    shown = {row["id"] for row in first["services"]}
    past.become(next(iter(shown)), GOOD, 1)
    rest = past.get(f"services?sort=-status&limit=2&q=vps-&cursor={first['nextCursor']}")
    assert {row["id"] for row in rest["services"]} | shown >= {
        "vps-1/api", "vps-1/postgres", "vps-2/api",
    }  # fmt: skip


def test_servers_and_tenants_are_listed(past):
    past.become("vps-1", GOOD, 900)
    past.become("vps-1/api", GOOD, 900)
    past.become("vps-1/postgres", BAD, 800, "refused")
    past.become("@acme/web", GOOD, 900)
    past.become("@acme/shop", BAD, 700, "HTTP 503")
    rows = {row["id"]: row for row in past.get("vps")["vps"]}
    one = rows["vps-1"]
    assert (one["status"], one["reason"]) == ("degraded", "postgres: refused")
    assert (one["services"], one["servicesHealthy"], one["tenants"]) == (2, 1, 1)
    assert rows["vps-2"]["status"] == "unknown"
    assert [row["id"] for row in past.get("vps?tenantId=acme")["vps"]] == ["vps-1"]
    body = past.get("tenants?sort=-sla")
    assert [row["tenantId"] for row in body["tenants"]] == ["globex", "acme"]
    acme = body["tenants"][1]
    assert (acme["status"], acme["reason"], acme["vpsId"]) == (
        "degraded",
        "shop: HTTP 503",
        "vps-1",
    )
    assert past.get("tenants?vpsId=vps-2")["total"] == 1
    assert past.get("tenants?q=acme c&status=degraded")["total"] == 1


def test_a_limited_caller_lists_its_own(past):
    for path, of in (("services", "services"), ("vps", "vps"), ("tenants", "tenants")):
        body = past.get(path, "globex")
        text = str(body)
        assert body["total"] == 1
        assert len(body[of]) == 1
        assert "vps-1" not in text
        assert "acme" not in text.lower()
        past.refused(f"{path}?vpsId=vps-1", "globex", 404)
        past.refused(f"{path}?tenantId=acme", "globex", 404)


@pytest.mark.parametrize("path", ["services", "vps", "tenants", "events", "sla/reports"])
@pytest.mark.parametrize(
    "cursor",
    ["x", "%00", "e30", "W10", "a=b", "WyJzZXJ2aWNlczpuYW1lIixOYU4sIngiXQ", "W1tbW1tb" * 100,
     "WyJldmVudHMiLDFlOTk5LCJ4IiwxXQ", "WyJzZXJ2aWNlczpuYW1lIiwxLCJ4Il0", "WzEsMiwzXQ==",
     "%F0%9F%98%80"],
)  # fmt: skip
def test_a_cursor_of_ones_own_making_is_refused(past, path, cursor):
    assert "cursor" in past.refused(f"{path}?cursor={cursor}")


def test_other_sorts_and_limits_are_refused(past):
    cursor = past.get("services?limit=1")["nextCursor"]
    assert "cursor" in past.refused(f"services?sort=-name&cursor={cursor}")
    assert "one of name, status" in past.refused("services?sort=colour")
    for query in ("limit=0", "limit=501", "limit=x", "status=fine", "q=a&q=b"):
        past.refused(f"vps?{query}")


def history(past):
    """Changes, oldest first; first sights are none."""
    for target in ("vps-1", "vps-1/postgres", "vps-2", "@acme/web"):
        past.become(target, GOOD, 9000)
    past.become("vps-1/postgres", BAD, 8000, "refused")
    past.become("vps-2", SLOW, 7000)
    past.become("@acme/web", BAD, 6000)
    past.become("vps-1/postgres", GOOD, 5000)
    past.become("vps-1/postgres", BAD, 5000, "again")
    past.become("vps-2", GOOD, 4000)


def test_events_are_changes_newest_first(past):
    history(past)
    body = past.get("events")
    told = [(e["target"], e["previous"], e["status"]) for e in body["events"]]
    assert told == [
        ("vps-2", "degraded", "healthy"), ("vps-1/postgres", "healthy", "unhealthy"),
        ("vps-1/postgres", "unhealthy", "healthy"), ("@acme/web", "healthy", "unhealthy"),
        ("vps-2", "healthy", "degraded"), ("vps-1/postgres", "healthy", "unhealthy"),
    ]  # fmt: skip
    last = body["events"][-1]
    assert (last["vpsId"], last["service"], last["kind"]) == ("vps-1", "postgres", "service")
    assert (last["reason"], last["durationSeconds"]) == ("refused", 3000.0)
    assert last["evidence"] == {"status": 503}
    assert body["nextCursor"] is None
    for path in ("events", "events?limit=1", "events?vpsId=vps-1,vps-2&tenantId=acme"):
        found, _ = pages(past, path.replace("?limit=1", ""), "events")
        assert len(found) == {"events": 6, "events?limit=1": 6}.get(path, 1) or "&" in path
    assert [e["target"] for e in pages(past, "events", "events")[0]] == [t for t, _, _ in told]


def test_events_are_filtered(past):
    history(past)

    def targets(query, tenant=None):
        return [e["target"] for e in past.get(f"events?{query}", tenant)["events"]]

    assert targets("vpsId=vps-2") == ["vps-2", "vps-2"]
    assert targets("target=@acme/web") == ["@acme/web"]
    assert targets("tenantId=acme&status=unhealthy") == ["@acme/web"]
    assert targets("tenantId=globex") == ["vps-2", "vps-2"]
    assert targets("status=degraded") == ["vps-2"]
    assert targets("timeRange=90m") == ["vps-2", "vps-1/postgres", "vps-1/postgres"]
    assert targets("to=now-115m") == ["vps-2", "vps-1/postgres"]
    assert targets("", "globex") == ["vps-2", "vps-2"]
    past.refused("events?target=vps-1", "globex", 404)
    past.refused("events?target=nothing", None, 404)
    past.refused("events?vpsId=vps-1", "globex", 404)
    found, count = pages(past, "events", "events", "globex")
    assert (len(found), count) == (2, 1)


def test_events_are_read_from_an_index(past, monkeypatch):
    history(past)
    asked = []
    engine = past.services.database.readers

    def note(_connection, _cursor, statement, parameters, _context, _many):
        if "status_intervals" in statement and statement.startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    for few in (100, 0):
        monkeypatch.setattr("services.views.events.FEW", few)
        cursor = past.get("events?limit=1")["nextCursor"]
        for query in (
            "", f"&cursor={cursor}", "&vpsId=vps-1", "&status=unhealthy", "&timeRange=1h",
        ):  # fmt: skip
            for tenant in (None, "acme"):
                past.get(f"events?limit=1{query}", tenant)
    event.remove(engine, "before_cursor_execute", note)
    assert len(asked) > 20
    with engine.connect() as connection:
        for statement, parameters in asked:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plan = [row[3] for row in rows]
            whole = [line for line in plan if re.match("SCAN", line) and "USING" not in line]
            assert whole == [], statement


def test_the_account_of_a_tenant_has_its_evidence(past):
    past.become("@acme/web", GOOD, 36000)
    past.become("@acme/shop", GOOD, 36000)
    past.become("@acme/shop", BAD, 7200, "HTTP 503")
    past.become("@acme/shop", GOOD, 3600)
    body = past.get("sla?tenantId=acme&from=now-600m")
    assert (body["tenantId"], body["target"], body["met"]) == ("acme", 99.5, False)
    assert body["uptime"] == pytest.approx(95, abs=0.02)
    assert body["downtimeMinutes"] == pytest.approx(30, abs=0.1)
    assert body["errorBudget"]["totalMinutes"] == pytest.approx(3.0, abs=0.01)
    assert body["errorBudget"]["leftMinutes"] == pytest.approx(-27, abs=0.1)
    (down,) = body["downtimes"]
    assert (down["target"], down["reason"], down["counts"]) == ("@acme/shop", "HTTP 503", 0.5)
    assert (down["minutes"], down["ongoing"]) == (60.0, False)
    assert down["evidence"] == {"status": 503}
    assert body["policy"]["degraded"] == "uptime"
    everybody = past.get("sla")
    assert [one["tenantId"] for one in everybody["tenants"]] == ["acme", "globex"]
    assert everybody["tenants"][1]["uptime"] is None


def test_reports_have_a_row_for_each_month_and_tenant(past):
    past.become("@acme/web", GOOD, 40 * 86400)
    past.become("vps-2", GOOD, 10 * 60)
    found, _ = pages(past, "sla/reports", "reports")
    assert len({(row["month"], row["tenantId"]) for row in found}) == len(found)
    months = [row["month"] for row in found]
    assert months == sorted(months, reverse=True)
    assert len({row["month"] for row in found if row["tenantId"] == "acme"}) in (2, 3)
    assert next(row["complete"] for row in found if row["tenantId"] == "globex") is False
    assert {row["uptime"] for row in found} == {100.0}
    assert {row["tenantId"] for row in past.get("sla/reports", "globex")["reports"]} == {"globex"}
    past.refused("sla/reports?tenantId=acme", "globex", 404)
    past.refused("sla?tenantId=acme", "globex", 404)
    assert [one["tenantId"] for one in past.get("sla", "globex")["tenants"]] == ["globex"]


def note(past, tenant=None, **body):
    return past.send("POST", "annotations", tenant, json={"text": "v1.4.2 is out", **body})


def listed(past, query="", tenant=None):
    answer = past.send("GET", f"annotations{query}", tenant)
    assert answer.status_code == 200, answer.text
    return [row["text"] for row in answer.get_json()["annotations"]]


def test_an_annotation_is_added_told_listed_and_taken_away(past):
    heard: list[Event] = []
    past.services.bus.subscribe(heard.append)
    answer = note(past, kind="deployment", vpsId="vps-1", tags=["api", "api"])
    body = answer.get_json()
    assert answer.status_code == 201, answer.text
    assert (body["kind"], body["vpsId"], body["tags"], body["until"]) == (
        "deployment", "vps-1", ["api"], None,
    )  # fmt: skip
    assert heard == [AnnotationAdded(body["id"])]
    note(past, text="later", at="2030-01-01T00:00:00Z", until="2030-01-02")
    assert listed(past) == ["v1.4.2 is out"]
    assert listed(past, "?from=2029-12-01&to=2030-01-01T12:00:00Z") == ["later"]
    assert listed(past, "?from=2030-01-01T12:00:00Z&to=2030-02-01") == ["later"]
    assert listed(past, "?tags=db,api") == ["v1.4.2 is out"]
    assert listed(past, "?tags=db") == listed(past, "?kind=incident") == []
    assert listed(past, "?vpsId=vps-1") == ["v1.4.2 is out"]
    assert past.send("DELETE", f"annotations/{body['id']}").status_code == 204
    assert past.send("DELETE", f"annotations/{body['id']}").status_code == 404
    with past.services.database.read() as session:
        done = session.execute(select(AuditRow.action, AuditRow.target).order_by(AuditRow.id)).all()
    assert done == [
        ("annotation.add", "vps-1"),
        ("annotation.add", "*"),
        ("annotation.delete", "vps-1"),
    ]


def test_annotations_come_in_pages(past):
    for minute in range(5):
        note(past, text=str(minute), at=f"2025-01-01T00:0{minute}:00Z")
    query, found = "?from=2025-01-01&to=2025-01-02&limit=2", []
    while query:
        body = past.send("GET", f"annotations{query}").get_json()
        found += [row["text"] for row in body["annotations"]]
        more = body["nextCursor"]
        query = more and f"?from=2025-01-01&to=2025-01-02&limit=2&cursor={more}"
    assert found == ["4", "3", "2", "1", "0"]


def test_annotations_of_others_and_with_their_names_are_not_there(past):
    for text, more in (
        ("of acme itself", {"tenantId": "acme"}), ("on vps-1", {"vpsId": "vps-1"}),
        ("about everything", {}), ("the network of ACME corp moved", {}), ("see vps-1.", {}),
        ("on vps-2 for all", {"vpsId": "vps-2"}), ("yours", {"tenantId": "globex"}),
        ("tagged", {"tags": ["acme"]}),
    ):  # fmt: skip
        assert note(past, text=text, **more).status_code == 201
    assert sorted(listed(past, "", "globex")) == ["about everything", "on vps-2 for all", "yours"]
    foreign = past.send("GET", "annotations").get_json()["annotations"]
    id_ = next(row["id"] for row in foreign if row["text"] == "on vps-1")
    assert past.send("DELETE", f"annotations/{id_}", "globex").status_code == 404
    assert note(past, "globex").status_code == 403
    assert note(past, "globex", vpsId="vps-2").status_code == 403
    assert note(past, "globex", tenantId="acme").status_code == 404
    assert note(past, "globex", tenantId="globex", vpsId="vps-1").status_code == 404
    mine = note(past, "globex", tenantId="globex")
    assert mine.status_code == 201
    assert past.send("DELETE", f"annotations/{mine.get_json()['id']}", "globex").status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        {"text": ""}, {"text": "x" * 2001}, {"at": "tomorrow"}, {"kind": "party"},
        {"tags": ["a,b"]},
        {"tags": [""]}, {"tags": ["x"] * 21}, {"at": 5}, {"other": 1}, {"text": None},
        {"at": "2025-01-02", "until": "2025-01-01"},
    ],
)  # fmt: skip
def test_an_annotation_that_is_wrong_is_refused(past, body):
    answer = note(past, **body)
    assert (answer.status_code, answer.get_json()["errorCode"]) == (400, "VALIDATION_ERROR")
