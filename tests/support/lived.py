"""A site that has lived: a fleet of two tenants, a past, alerts, rules, users, keys, notes, jobs.

What only the tenant umbrella may know of carries the word "umbrella" or "hidden" everywhere; the
server "shared" carries both tenants.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import update

from models.agents import Agent
from models.alerts import AlertEvent, AlertRow
from models.incidents import IncidentRow
from models.notifications import NotificationRow
from services.alerts.quiet.specs import Maintenance, NewSilence
from services.container import Services
from services.history import notes
from services.history.notes import Note, Reading
from services.identity.audit import Actor
from services.observation import Status
from tests.support import answers, site

FLEET = """
vps:
  - id: own-1
    name: Own One
    region: north
    tags: [web]
    source: {type: agent}
    services:
      - {name: api, type: backend, unit: api.service, dependsOn: [postgres]}
      - {name: postgres, type: database, dependsOn: [hidden-1/hiddenstore]}
    tenants: [acme]
  - id: hidden-1
    name: Hidden One
    region: hidden-region
    provider: hidden-provider
    tags: [hidden-tag]
    source: {type: agent}
    services:
      - {name: api, type: backend, unit: hidden.service}
      - {name: hiddenstore, type: hiddentype}
    tenants: [umbrella]
  - id: shared
    name: Shared
    source: {type: agent}
    services:
      - {name: api, type: backend, dependsOn: [hidden-1/hiddenstore]}
    tenants: [acme, umbrella]
tenants:
  - id: acme
    organizationName: ACME Corp
    sla: 99.5
    services:
      - {name: web, url: "https://acme.example", runsOn: own-1/api}
  - id: umbrella
    organizationName: Umbrella Ltd
    sla: 97.25
    services:
      - {name: hiddenshop, url: "https://hidden.example", runsOn: shared/api}
"""
#: None of these words may reach who is limited to acme.
HIDDEN = ("hidden", "umbrella")
OPS = Actor("ops", "192.0.2.1")


@dataclass(frozen=True)
class Lived:
    """``parts`` are values that parts of a path may have, by the part's name."""

    services: Services
    parts: dict[str, list[str]]


@contextmanager
def lived(folder: Path, empty: Path, *, runs: bool = False) -> Iterator[Lived]:
    """Services with a past; the intake runs if it must, nothing else does."""
    with patch.object(site, "FLEET", FLEET):
        services = site.build(folder, empty, rate_limit="1000000 per minute")
    try:
        services.heartbeat.beat()
        services.identity.create_user(site.NAME, site.PASSWORD, "super_admin")
        place = Lived(services, _live(services))
        if runs:
            services.intake.start()
        yield place
    finally:
        if runs:
            services.intake.stop()
        services.database.close()


def _live(services: Services) -> dict[str, list[str]]:
    _observe(services)
    _judge(services)
    for alert_id, target, impact, cause in (
        ("own1", "own-1/api", ["acme"], "hidden-1/hiddenstore"),
        ("hidden1", "hidden-1", ["umbrella"], None),
        ("shared1", "shared/api", ["acme", "umbrella"], "hidden-1/hiddenstore"),
        ("hidden2", "@umbrella/hiddenshop", ["umbrella"], "shared/api"),
    ):
        _alert(services, alert_id, target, impact, cause)
    incidents = _incidents(services)
    told = [
        _told(services, "own1", "batched", "One message told of this and 2 more."),
        _told(services, "hidden1", "accepted", ""),
        _told(services, None, "confirmed", "hidden cannot be reached"),
    ]
    rules = [_rule(services, "own-rule", "acme"), _rule(services, "hidden-rule", "umbrella")]
    planned = [_maintenance(services, "own work", "acme")]
    planned.append(_maintenance(services, "hidden work", "umbrella"))
    silences = [_silence(services, "known", "acme"), _silence(services, "hidden", "umbrella")]
    users, keys = services.identity.users, services.identity.keys
    user = users.create("somebody", site.PASSWORD, "admin", OPS)
    key = keys.create("some key", "admin", OPS, ["acme"])
    hidden = keys.create("hidden key", "admin", OPS, ["umbrella"])
    noted = [
        _note(services, "a release", None, "acme"),
        _note(services, "hidden work", None, "umbrella"),
        _note(services, "hidden server", "hidden-1", None),
        _note(services, "for all of umbrella and others", None, None),
        _note(services, "for all", None, None),
        _note(services, "umbrella moves here", "shared", "umbrella"),
    ]
    for vps_id in ("own-1", "hidden-1"):
        services.agent_tokens.enroll(vps_id, OPS)
    with services.database.write() as session:
        allows = ["restart:api.service", "logs:api.service", "restart:hidden.service"]
        session.execute(update(Agent).values(version="healthdeck-agent/0.1.0", allows=allows))
    jobs = [
        services.actions.restart("own-1", "api", OPS)["id"],
        services.actions.restart("hidden-1", "api", OPS)["id"],
    ]
    return {
        "vpsId": ["own-1", "shared", "hidden-1"],
        "tenantId": ["acme", "umbrella"],
        "name": ["api", "postgres", "hiddenstore"],
        "service": ["api", "postgres", "hiddenstore"],
        "incidentId": incidents,
        "notificationId": told,
        "alertId": ["own1", "shared1", "hidden1", "hidden2"],
        "ruleId": rules,
        "maintenanceId": planned,
        "silenceId": silences,
        "annotationId": noted,
        "month": [datetime.now(UTC).strftime("%Y-%m")],
        "userId": [user["id"]],
        "keyId": [key["id"], hidden["id"]],
        "jobId": jobs,
        "target": ["own-1", "own-1/api", "@acme/web", "hidden-1", "@umbrella/hiddenshop"],
    }


def _observe(services: Services) -> None:
    past = answers.Site(services)
    for ago in range(0, 7200, 300):
        for index, vps_id in enumerate(("own-1", "hidden-1", "shared")):
            past.measure(vps_id, ago, system_cpu_usage=10 * index + 5, system_load_one=0.5)
            past.probe(f"{vps_id}/api", ago, 12.5)


def _judge(services: Services) -> None:
    past = answers.Site(services)
    for target in (
        "own-1", "shared", "hidden-1", "own-1/api", "own-1/postgres", "shared/api", "hidden-1/api",
        "@acme/web", "@umbrella/hiddenshop",
    ):  # fmt: skip
        past.become(target, Status.HEALTHY, 7000)
    for target in ("hidden-1/hiddenstore", "hidden-1", "hidden-1/api", "@umbrella/hiddenshop"):
        past.become(target, Status.UNHEALTHY, 600, f"{target} is hidden and down")
    past.become("own-1/api", Status.UNHEALTHY, 300, "refused")
    past.become("own-1/api", Status.HEALTHY, 100)


def _alert(services: Services, id_: str, target: str, impact: list[str], cause: str | None) -> None:
    server, _, service = target.partition("/")
    tenant = server[1:] if server.startswith("@") else None
    now = time.time()
    row = AlertRow(
        id=id_, fingerprint=id_, rule_id="service-down", rule_name="Service down", target=target,
        vps_id=None if tenant else server, service_name=service or None, tenant_id=tenant,
        severity="critical", status="active", title=f"{target} is down", message="refused",
        value="unhealthy", threshold="unhealthy", triggered_at=now - 500, impact=impact,
        suppressed_by=cause, withheld="maintenance: hidden work until 14:00 UTC",
    )  # fmt: skip
    with services.database.write() as session:
        session.add(row)
        session.flush()
        session.add(AlertEvent(alert_id=id_, at=now - 500, kind="fired", note=""))
        note = "suppressed by Hidden One, which does not report"
        session.add(AlertEvent(alert_id=id_, at=now - 499, kind="withheld", note=note))


def _told(services: Services, alert_id: str | None, reason: str, detail: str) -> str:
    id_ = f"told-{alert_id or 'nobody'}"
    title = "API down" if alert_id == "own1" else "hidden is down"
    row = NotificationRow(
        id=id_, alert_id=alert_id, event="alert.fired", channel="inApp", recipient="everyone",
        body={"title": title, "message": "refused", "severity": "critical"}, status="delivered",
        reason=reason, detail=detail, attempts=1, created_at=time.time() - 400, batch="hidden-one",
    )  # fmt: skip
    with services.database.write() as session:
        session.add(row)
    return id_


def _incidents(services: Services) -> list[str]:
    """One of all these alerts, and one of others."""
    services.incidents.former.look()
    now = time.time()
    with services.database.write() as session:
        session.add(
            IncidentRow(
                id="hidden-incident", root="hidden-1", title="hidden is down", severity="critical",
                status="active", started_at=now - 900,
            )
        )  # fmt: skip
    services.incidents.note("own1", "umbrella was hit first", OPS)
    return ["own1", "hidden-incident"]


def _rule(services: Services, id_: str, tenant: str) -> str:
    condition = {"metric": "cpu", "operator": "greaterThan", "value": 90}
    given = {
        "id": id_, "name": f"Busy {id_}", "severity": "info", "condition": condition,
        "scope": {"tenant": [tenant]},
    }  # fmt: skip
    # Nothing judges here that could take it over.
    with patch.object(services.intake, "take_rules", lambda _book: None):
        return services.rules.create(given, OPS).rule.id


def _maintenance(services: Services, name: str, tenant: str) -> str:
    schedule = {"type": "daily", "at": "02:00", "minutes": 60}
    given = {"name": name, "schedule": schedule, "scope": {"tenant": [tenant]}}
    made = services.quiet.add_maintenance(Maintenance.model_validate(given), None, OPS)
    return str(made["id"])


def _silence(services: Services, comment: str, tenant: str) -> str:
    matcher = {"field": "tenant", "operator": "equals", "value": tenant}
    given = {"comment": comment, "minutes": 60, "matchers": [matcher]}
    made = services.quiet.add_silence(NewSilence.model_validate(given), None, OPS)
    return str(made["id"])


def _note(services: Services, text: str, vps_id: str | None, tenant_id: str | None) -> str:
    now = time.time()
    note = Note(now - 60, None, "note", text, vps_id, tenant_id, ("release",))
    reading = Reading.of(services.read.fleet(), None)
    return notes.add(services.database, services.bus, note, reading, OPS, now).id
