"""The bodies of the API and the stream, to the letter of the specification."""

from __future__ import annotations

from collections.abc import Sequence

from services.observation import Status
from services.times import iso
from services.views.dependencies import Dependency
from services.views.model import Body, Gauge, Instance, VpsCard
from services.views.standing import Standing
from services.views.tenants import Application, TenantView

#: Reasons of the score that are told one by one: more say no more, and when a fleet is down
#: there are thousands.
MOST_REASONS = 50


def standing_body(view: Standing, uptime_s: float, active_alerts: int) -> Body:
    """``GET /api/admin/health/overview``. ``load`` is CPU percent, ``uptime`` seconds;
    ``moreReasons`` counts those that are not among ``reasons``, and their points."""
    told, rest = view.score.reasons[:MOST_REASONS], view.score.reasons[MOST_REASONS:]
    return {
        "overall": {
            "status": view.status,
            "score": view.score.value,
            "uptime": int(uptime_s),
            "lastUpdate": iso(view.updated_at),
            "summary": view.headline,
            "band": view.score.band,
            "reasons": [
                {"text": r.text, "points": round(r.points, 1), "target": r.target} for r in told
            ],
            "moreReasons": {
                "count": len(rest), "points": round(sum(r.points for r in rest), 1),
            },
        },
        "services": {
            type_: {"status": found.status, "instances": found.instances, "healthy": found.healthy}
            for type_, found in view.services.items()
        },
        "vps": [{"id": one.id, "status": one.status, "load": one.load} for one in view.vps],
        "activeAlerts": active_alerts,
    }  # fmt: skip


def vps_body(card: VpsCard) -> Body:
    """``GET /api/admin/health/vps/:vpsId``. Sizes in GiB."""
    return {
        "vpsId": card.id,
        "name": card.name,
        "region": card.region,
        "status": card.status,
        "reason": card.reason,
        "lastSeen": iso(card.seen_at),
        "services": [_service(instance) for instance in card.services],
        "system": {
            "cpu": {"usage": card.cpu and card.cpu.percent, "cores": card.cores},
            "memory": _resource(card.memory),
            "disk": _resource(card.disk),
            "load": card.load,
            "network": {"received": card.network_in, "sent": card.network_out},
        },
        "tenants": list(card.tenants),
    }


def tenant_body(view: TenantView) -> Body:
    """``GET /api/admin/health/tenant/:tenantId``. ``uptime`` is percent over 30 days."""
    return {
        "tenantId": view.id,
        "organizationName": view.name,
        "status": view.status,
        "vpsId": view.vps[0] if view.vps else None,
        "services": [_application(one) for one in view.applications],
        "lastHealthCheck": iso(view.seen_at),
        "uptime": None if view.uptime is None else round(view.uptime, 3),
        "activeAlerts": view.active_alerts,
        "vps": list(view.vps),
    }


def dependencies_body(service: str, found: Sequence[Dependency]) -> Body:
    """``GET /api/admin/health/dependencies?service=``. Response times in ms."""
    return {
        "service": service,
        "dependencies": [
            {
                "name": one.name,
                "status": one.status,
                "responseTime": None if one.response_ms is None else round(one.response_ms, 1),
            }
            for one in found
        ],
    }


def _application(one: Application) -> Body:
    body: Body = {"name": one.name, "status": one.status, "url": one.url}
    if one.uptime_s is not None:
        body["uptime"] = int(one.uptime_s)
    if one.response_ms is not None:
        body["responseTime"] = round(one.response_ms, 1)
    if one.status is not Status.HEALTHY:
        body["message"] = one.message
    return body


def _resource(gauge: Gauge | None) -> Body:
    if gauge is None:
        return {"used": None, "total": None, "percent": None}
    return {"used": gauge.used, "total": gauge.total, "percent": gauge.percent}


def _service(instance: Instance) -> Body:
    body: Body = {"name": instance.name, "status": instance.status}
    if instance.uptime_s is not None:
        body["uptime"] = int(instance.uptime_s)
    if instance.response_ms is not None:
        body["responseTime"] = round(instance.response_ms, 1)
    if instance.checks:
        body["checks"] = {name: Status(status) for name, status in instance.checks.items()}
    if instance.status is not Status.HEALTHY:
        body["message"] = instance.message
    return body
