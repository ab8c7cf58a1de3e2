"""The bodies of the API and the stream, to the letter of the specification."""

from __future__ import annotations

from services.observation import Status
from services.times import iso
from services.views.model import Body, Gauge, Instance, Overview, VpsCard


def overview_body(view: Overview) -> Body:
    """``GET /api/admin/health/overview``. ``load`` is CPU percent, ``uptime`` seconds."""
    return {
        "overall": {
            "status": view.status,
            "score": view.score.value,
            "uptime": int(view.uptime_s),
            "lastUpdate": iso(view.updated_at),
            "summary": view.headline,
            "band": view.score.band,
            "reasons": [
                {"text": r.text, "points": round(r.points, 1), "target": r.target}
                for r in view.score.reasons
            ],
        },
        "services": {
            row.type: {
                "status": row.status,
                "instances": len(row.instances),
                "healthy": row.healthy,
            }
            for row in view.services
        },
        "vps": [
            {"id": card.id, "status": card.status, "load": card.cpu and card.cpu.percent}
            for card in view.vps
        ],
        "activeAlerts": len(view.alerts),
    }


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
