"""Service levels over REST: accounts, reports as JSON, CSV and PDF, limited callers, a rule that
watches a burn rate."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from models.alerts import AlertRow
from services.insights.sla import files
from services.insights.sla.policy import Policy
from services.inventory.schema import SlaPolicy
from services.observation import Status
from services.times import iso
from tests.support import answers, site

GOOD, BAD = Status.HEALTHY, Status.UNHEALTHY
RULE = """
rules:
  - id: acme-burns
    name: The budget burns
    severity: critical
    condition: {metric: sla.burnRate, operator: greaterThan, value: 14.4}
  - id: acme-down
    name: A tenant is down
    severity: warning
    condition: {metric: tenant.status, operator: equals, value: unhealthy}
"""
NAME = "=Ελληνική Εταιρεία 🚀"


@pytest.fixture
def past(
    tmp_path: Path, empty_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[answers.Site]:
    fleet = answers.FLEET.replace("sla: 99.5", "sla: 99.5\n    slaPolicy: {degraded: down}")
    fleet = fleet.replace("organizationName: ACME Corp", f'organizationName: "{NAME}"')
    monkeypatch.setattr(site, "FLEET", fleet + RULE)
    services = site.build(tmp_path, empty_file)
    yield answers.Site(services)
    services.database.close()


def lived(past: answers.Site) -> str:
    """Two months of the tenant acme, with an hour of downtime in the one before this one, whose
    name is returned."""
    first = datetime.fromtimestamp(past.now, UTC).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    start = first.timestamp() - 10 * 86400
    for target in ("@acme/web", "@acme/shop"):
        past.become(target, GOOD, past.now - start + 40 * 86400)
    past.become("@acme/web", BAD, past.now - start, "=HYPERLINK(1)")
    past.become("@acme/web", GOOD, past.now - start - 3600)
    return (iso(start) or "")[:7]


def file(past: answers.Site, path: str, tenant: str | None = None) -> Any:
    answer = past.send("GET", f"health/{path}", tenant)
    assert answer.status_code == 200, answer.text
    return answer


def test_an_account_names_its_policy_and_its_events(past):
    past.become("@acme/web", GOOD, 7200)
    past.become("@acme/shop", Status.DEGRADED, 7200, "slow")
    past.become("@acme/web", BAD, 600, "HTTP 503")
    body = past.get("sla?tenantId=acme&timeRange=1h")
    assert body["policy"]["degraded"] == "downtime"
    assert "Degraded time counts as downtime" in body["policy"]["text"]
    assert body["downtimeMinutes"] == pytest.approx((60 + 10) / 2, abs=0.1)
    assert [down["status"] for down in body["downtimes"]] == ["unhealthy", "degraded"]
    assert body["downtimes"][0]["ongoing"]
    events = past.get("events?target=@acme/web&status=unhealthy")["events"]
    assert body["downtimes"][0]["from"] == events[0]["timestamp"]
    fast = body["burnRates"]["fast"]
    assert (fast["longMinutes"], fast["shortMinutes"]) == (60, 5)
    assert fast["both"] == min(fast["long"], fast["short"]) == pytest.approx(116.67, abs=0.5)
    assert fast["short"] == pytest.approx(200, abs=0.1)
    everybody = past.get("sla")
    policies = {one["tenantId"]: one["policy"]["degraded"] for one in everybody["tenants"]}
    assert policies == {"acme": "downtime", "globex": "uptime"}
    assert everybody["policy"]["degraded"] == "uptime"


def test_a_server_and_a_service_have_accounts(past):
    past.become("vps-1", GOOD, 7200)
    past.become("vps-1/api", GOOD, 7200)
    past.become("vps-1/api", BAD, 600, "refused")
    body = past.get("sla?vpsId=vps-1&service=api&timeRange=1h")
    assert (body["vpsId"], body["service"], body["target"]) == ("vps-1", "api", 99.5)
    assert body["downtimeMinutes"] == pytest.approx(10, abs=0.1)
    assert past.get("sla?vpsId=vps-1&timeRange=1h")["uptime"] == 100
    assert past.get("sla?vpsId=vps-2", "globex")["vpsId"] == "vps-2"
    for query in ("vpsId=vps-1", "vpsId=vps-1&service=postgres"):
        past.refused(f"sla?{query}", "globex", 404)
    for query in ("vpsId=vps-9", "vpsId=vps-1&service=nothing"):
        past.refused(f"sla?{query}", None, 404)
    assert "vpsId" in past.refused("sla?service=postgres")
    assert "tenantId" in past.refused("sla?tenantId=acme&vpsId=vps-1")


def test_a_report_is_the_same_in_all_its_forms(past):
    month = lived(past)
    path = f"sla/reports/acme/{month}"
    assert past.get(path)["kept"] is None
    assert past.services.sla.reports.make_due() >= 2
    report = past.get(path)
    assert (report["month"], report["complete"], report["kept"]["version"]) == (month, True, 1)
    assert report["downtimeMinutes"] == 30
    assert report["organizationName"] == NAME
    row = next(r for r in past.get("sla/reports?tenantId=acme")["reports"] if r["month"] == month)
    assert row == {k: report[k] for k in row}

    answer = file(past, f"{path}?format=csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="sla-acme-{month}.csv"'
    rows = list(csv.reader(io.StringIO(answer.text)))
    told = dict(row for row in rows if len(row) == 2)
    assert float(told["downtimeMinutes"]) == 30
    assert told["organizationName"] == f"'{NAME}", "no formula"
    assert told["policy.text"] == report["policy"]["text"]
    downs = rows[rows.index([]) + 1 :]
    assert dict(zip(*downs, strict=True))["reason"] == "'=HYPERLINK(1)"

    pdf = file(past, f"{path}?format=pdf")
    assert pdf.content_type == "application/pdf"
    assert pdf.data.startswith(b"%PDF-")
    assert file(past, f"{path}?format=pdf").data == pdf.data, "byte for byte"


def test_a_report_is_made_again_and_the_former_one_stays(past):
    month = lived(past)
    past.services.sla.reports.make_due()
    path = f"sla/reports/acme/{month}"
    before = past.get(path)
    answer = past.send("POST", f"health/{path}", json={"reason": "the probe was wrong"})
    assert answer.status_code == 201, answer.text
    assert answer.get_json()["kept"]["reason"] == "the probe was wrong"
    assert past.get(path)["kept"]["version"] == 2
    assert past.get(f"{path}?version=1")["kept"] == before["kept"]
    assert [one["version"] for one in past.get(path)["versions"]] == [2, 1]
    past.refused(f"{path}?version=3", None, 404)
    for body in ({}, {"reason": " "}, {"reason": "x" * 501}, {"reason": 5}, {"other": 1}):
        assert past.send("POST", f"health/{path}", json=body).status_code == 400
    running = datetime.fromtimestamp(past.now, UTC).strftime("%Y-%m")
    answer = past.send("POST", f"health/sla/reports/acme/{running}", json={"reason": "now"})
    assert answer.status_code == 409


def test_limited_callers_get_their_own_alone(past):
    month = lived(past)
    past.services.sla.reports.make_due()
    path = f"sla/reports/acme/{month}"
    assert past.get(path, "acme")["tenantId"] == "acme"
    assert {r["tenantId"] for r in past.get("sla/reports", "acme")["reports"]} == {"acme"}
    for form in ("json", "csv", "pdf"):
        assert file(past, f"{path}?format={form}", "acme").status_code == 200
        past.refused(f"{path}?format={form}", "globex", 404)
    again = past.send("POST", f"health/{path}", "acme", json={"reason": "because"})
    assert again.status_code == 403
    past.services.intake.start()
    try:  # the tenant leaves; its reports stay, for those who may see it
        fleet = site.FLEET[: site.FLEET.index("tenants:\n  - id: acme")].replace("[acme]", "[]")
        kept = "tenants:\n  - {id: globex, organizationName: Globex}\n"
        past.services.settings.inventory.write_text(fleet + kept, encoding="utf-8")
        past.services.inventory_watch.look()
        past.services.inventory_watch.look()  # the file no longer changes
    finally:
        past.services.intake.stop()
    assert "acme" not in past.services.read.fleet().tenants
    for caller in (None, "acme"):
        assert past.get(path, caller)["kept"]["version"] == 1
        assert month in {r["month"] for r in past.get("sla/reports", caller)["reports"]}
    past.refused(path, "globex", 404)
    past.refused("sla?tenantId=acme", "acme", 404)


@pytest.mark.parametrize("month", ["2025-13", "2025-1", "last", "0000-01", "9999-12"])
def test_what_is_no_month_is_refused(past, month):
    assert "2026-11" in past.refused(f"sla/reports/acme/{month}")


@pytest.mark.parametrize("query", ["format=xml", "version=0", "version=x", "other=1"])
def test_a_wrong_query_is_refused(past, query):
    past.refused(f"sla/reports/acme/2026-01?{query}")


def test_a_rule_watches_the_burn_rate_and_the_status_of_tenants(past):
    services = past.services
    for target in ("@acme/web", "@acme/shop"):
        past.become(target, GOOD, 7200)
        past.become(target, BAD, 600, "HTTP 503")
    past.become("vps-2", GOOD, 7200)
    services.intake.start()
    try:
        services.intake.weigh(services.sla.figures())
        services.intake.flush()
        with services.database.read() as session:
            alerts = {row.rule_id: row for row in session.scalars(select(AlertRow))}
            assert set(alerts) == {"acme-burns", "acme-down"}
            assert {row.tenant_id for row in alerts.values()} == {"acme"}
            assert alerts["acme-burns"].value == pytest.approx(33.33, abs=0.2)
            assert "Burn rate over 1 h and 5 min" in alerts["acme-burns"].title
        for target in ("@acme/web", "@acme/shop"):
            past.become(target, GOOD, 330)
        services.intake.weigh(services.sla.figures())
        services.intake.flush()
    finally:
        services.intake.stop()
    with services.database.read() as session:
        rows = session.scalars(select(AlertRow)).all()
    assert {row.status for row in rows} == {"resolved"}
    assert past.services.board.get("@acme") is None, "no reading, and nothing of it is kept"


def test_a_burn_rate_has_no_past(past):
    assert "numbers" in past.refused("export?metric=sla.burnRate")
    assert "has no course" in past.refused("history?metric=sla.burnRate")


def report(**changes: Any) -> dict[str, Any]:
    """A report that goes to the edges of its page."""
    down = {
        "target": "@acme/web", "label": "web of " + "W" * 200, "status": "unhealthy",
        "from": "2026-10-01T23:50:00.000Z", "to": "2026-10-02T00:10:00.000Z", "minutes": 12.25,
        "countedMinutes": 6.1, "maintenanceMinutes": 0.0, "reason": "x" * 500, "eventId": "1",
    }  # fmt: skip
    return {
        "month": "2026-10", "complete": True, "tenantId": "acme", "organizationName": NAME,
        "from": "2026-10-01T00:00:00.000Z", "to": "2026-11-01T00:00:00.000Z", "target": 99.9,
        "uptime": 99.8712, "met": False, "downtimeMinutes": 57.46, "degradedMinutes": 0.0,
        "unknownMinutes": 0.0, "blindMinutes": 0.0, "maintenanceMinutes": 0.0,
        "observedMinutes": 44448.0,
        "errorBudget": {"totalMinutes": 44.45, "usedMinutes": 57.46, "leftMinutes": -13.01,
                        "usedPercent": 129.27},
        "policy": Policy(SlaPolicy(maintenance="excluded", degraded="down")).fields(),
        "kept": None, "downtimes": [down] * 60, "moreDowntimes": True, **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"organizationName": "日本株式会社 مثال"},
        {"organizationName": "A" * 200},
        {"organizationName": "line\nbreak\ttab \x00 \u202e"},
        {"uptime": None, "met": None, "downtimes": [], "moreDowntimes": False},
        {"target": 100.0, "errorBudget": {"totalMinutes": 0.0, "usedMinutes": 1.0,
                                          "leftMinutes": -1.0, "usedPercent": None}},
        {"complete": False, "uptime": 100.0, "met": True},
        {"kept": {"version": 3, "madeAt": "2026-11-01T00:10:00.000Z", "madeBy": "ops",
                  "reason": "r" * 500}},
    ],
)  # fmt: skip
def test_a_page_is_one_page_whatever_is_on_it(changes, recwarn):
    page = files.as_pdf(report(**changes))
    assert page.count(b"/Type /Page\n") == 1
    assert not recwarn.list


def test_a_page_says_what_matters(tmp_path):
    (tmp_path / "a.pdf").write_bytes(files.as_pdf(report()))
    text = subprocess.run(
        ["pdftotext", "-layout", "a.pdf", "-"], cwd=tmp_path, capture_output=True, check=True,
        text=True,
    ).stdout  # fmt: skip
    for words in ("Service level report", "October 2026", "Ελληνική Εταιρεία", "99.8712 %",
                  "Not met", "Target 99.90 %", "57.5 min of 44.5 min used (129 %)",
                  "How this was counted", "acme"):  # fmt: skip
        assert words in text, words
