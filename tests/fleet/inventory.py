"""The inventory of a fleet, in the words that this tree's schema understands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.inventory.schema import VpsSpec
from tests.fleet import bodies, dns, s3, smtp
from tests.fleet.plan import SOURCE, WITNESS, Plan, ServicePlan, TenantPlan, VpsPlan

#: A check of each kind that services of the fleet can have, to be shown to the schema.
_SAMPLES: Mapping[str, Any] = {
    "http": "http://127.0.0.1:80/health",
    "tcp": "127.0.0.1:80",
    "tls": {"host": "127.0.0.1", "port": 443},
    "dns": {"name": dns.DOMAIN, "server": "127.0.0.1:53", "record": "A", "expect": [dns.ADDRESS]},
    "postgres": "postgresql://monitor@127.0.0.1:5432/app",
    "redis": "redis://127.0.0.1:6379/0",
    "s3": {
        "endpoint": "http://127.0.0.1:80",
        "bucket": s3.BUCKET,
        "accessKey": "a",
        "secretKey": "b",
    },
    "smtp": {"host": "127.0.0.1", "port": 25, "security": "starttls"},
}
_SOURCES: Mapping[str, Any] = {
    "agent": {"type": "agent"},
    "exporter": {"type": "exporter", "url": "http://127.0.0.1:80/metrics"},
    "health": {"type": "health", "url": "http://127.0.0.1:80/health"},
}


def accepted() -> frozenset[str]:
    """What the schema takes: ``check.http``, ``source.agent``, ``witness``."""
    offers = {f"check.{kind}": _service({kind: sample}) for kind, sample in _SAMPLES.items()}
    offers |= {f"source.{kind}": {"source": sample} for kind, sample in _SOURCES.items()}
    offers["witness"] = {"witness": {"tcp": "127.0.0.1:80"}}
    return frozenset(name for name, offer in offers.items() if _valid(offer))


def describe(
    plan: Plan,
    takes: frozenset[str],
    webhook: str | None = None,
    secret: str | None = None,
) -> dict[str, Any]:
    """The inventory of ``plan`` as plain data. What the schema does not take is written as a tcp
    check or left out; ``webhook`` and ``secret`` make a contact that is told of alerts."""
    tenants: dict[str, list[str]] = {}
    for tenant in plan.tenants:
        tenants.setdefault(tenant.vps, []).append(tenant.id)
    found: dict[str, Any] = {
        "vps": [_vps(vps, takes, tenants.get(vps.id, [])) for vps in plan.vps],
        "tenants": [_tenant(tenant) for tenant in plan.tenants],
    }
    if webhook:
        contact = {"url": webhook, "secret": secret or "fleet-webhook-secret"}
        found["contacts"] = [{"name": "Operations", "webhook": contact}]
    return found


def write(path: Path, inventory: Mapping[str, Any]) -> None:
    """Writes YAML, an entry a line: JSON is YAML too, and a thousand servers take no time."""
    path.write_text("\n".join(_lines(inventory)) + "\n", encoding="utf-8")


def _lines(inventory: Mapping[str, Any]) -> Iterator[str]:
    for part, entries in inventory.items():
        if not entries:
            continue
        yield f"{part}:"
        for entry in entries:
            services = entry.get("services")
            plain = {name: value for name, value in entry.items() if name != "services"}
            for at, (name, value) in enumerate(plain.items()):
                yield f"{'    ' if at else '  - '}{name}: {json.dumps(value)}"
            if services:
                yield "    services:"
                yield from (f"      - {json.dumps(service)}" for service in services)


def _vps(vps: VpsPlan, takes: frozenset[str], tenants: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": vps.id,
        "name": vps.name,
        "region": vps.region,
        "provider": vps.provider,
        "tags": ["production"],
    }
    if vps.source and f"source.{vps.source}" in takes:
        page = {"exporter": "metrics", "health": "health"}.get(vps.source)
        url = f"http://{vps.address}:{vps.port_base + SOURCE}/{page}"
        found["source"] = {"type": vps.source, **({"url": url} if page else {})}
    if "witness" in takes:
        found["witness"] = {"tcp": f"{vps.address}:{vps.port_base + WITNESS}"}
    found["services"] = [_service_entry(service, takes) for service in vps.services]
    if tenants:
        found["tenants"] = tenants
    return found


def _service_entry(service: ServicePlan, takes: frozenset[str]) -> dict[str, Any]:
    part = service.part
    found: dict[str, Any] = {"name": part.name, "type": part.type, "unit": f"{part.name}.service"}
    if (check := _check(service, takes)) is not None:
        found["check"] = check
    if part.depends_on:
        found["dependsOn"] = list(part.depends_on)
    return found


def _check(service: ServicePlan, takes: frozenset[str]) -> dict[str, Any] | None:
    host, port, speaks = service.address, service.port, service.part.speaks
    place = f"{host}:{port}"
    if speaks in bodies.FORMATS:
        scheme = "https" if speaks == "https" else "http"
        return {"http": f"{scheme}://{place}{bodies.FORMATS[speaks][0]}"}
    checks: dict[str, tuple[str, Any]] = {
        "page": ("http", f"http://{place}/"),
        "tcp": ("tcp", place),
        "tls": ("tls", {"host": host, "port": port}),
        "dns": (
            "dns",
            {"name": dns.DOMAIN, "server": place, "record": "A", "expect": [dns.ADDRESS]},
        ),
        "postgres": ("postgres", f"postgresql://monitor@{place}/app"),
        "redis": ("redis", f"redis://{place}/0"),
        "s3": (
            "s3",
            {
                "endpoint": f"http://{place}",
                "bucket": s3.BUCKET,
                "region": s3.REGION,
                "accessKey": s3.ACCESS_KEY,
                "secretKey": s3.SECRET_KEY,
            },
        ),
        "smtp": ("smtp", {"host": host, "port": port}),
        "smtp-starttls": (
            "smtp",
            {
                "host": host,
                "port": port,
                "security": "starttls",
                "user": smtp.USER,
                "password": smtp.PASSWORD,
            },
        ),
    }
    kind, detail = checks[speaks]
    if f"check.{kind}" in takes:
        return {kind: detail}
    return None if kind == "dns" else {"tcp": place}


def _tenant(tenant: TenantPlan) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": tenant.id,
        "organizationName": tenant.organization,
        "sla": tenant.sla,
    }
    found["services"] = [
        {"name": app.name, "url": app.url, **({"runsOn": app.runs_on} if app.runs_on else {})}
        for app in tenant.apps
    ]
    return found


def _service(check: Any) -> dict[str, Any]:
    return {"services": [{"name": "sample", "type": "sample", "check": check}]}


def _valid(offer: dict[str, Any]) -> bool:
    try:
        VpsSpec.model_validate({"id": "sample", **offer}, by_alias=True, by_name=False)
    except ValidationError:
        return False
    return True
