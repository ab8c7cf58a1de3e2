"""What services say of their health, in the formats that services speak.

Each function gives status code, content type and body. ``ills`` maps the dependencies that the
service misses to ``degraded`` or ``error``; it is in error itself when any of them is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.fleet.life import Life

Ills = Mapping[str, str]
Answer = tuple[int, str, bytes]
#: From the server's life, the moment, and the names of the dependencies.
Body = Callable[[Life, float, tuple[str, ...], Ills], Answer]

PAGE = (
    b"<!doctype html><html lang=en><title>Nexus</title><h1>Welcome</h1>"
    b"<p>Sign in to continue.</p></html>"
)
#: What a wrong body looks like: the page of a proxy that lost its way.
WRONG = b"<!doctype html><html><title>Default page</title><p>It works!</p></html>"

_WORDS = {
    "actuator": {"": "UP", "degraded": "UNKNOWN", "error": "DOWN"},
    "health+json": {"": "pass", "degraded": "warn", "error": "fail"},
    "aspnet": {"": "Healthy", "degraded": "Degraded", "error": "Unhealthy"},
}


def worst(ills: Ills) -> str:
    """``""`` for a healthy service."""
    return "error" if "error" in ills.values() else "degraded" if ills else ""


def stamp(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}Z"


def system(life: Life, at: float) -> dict[str, Any]:
    """The machine, as the backend of the specification reports it."""
    mib, total = 1 << 20, life.memory_total
    load = round(life.load(at), 2)
    disk = life.disk_total / 2**30
    return {
        "memory": {
            "used": round(total * life.memory(at) / mib),
            "total": round(total / mib),
            "unit": "MB",
        },
        "cpu": {"usage": round(100 * life.cpu(at), 1), "cores": life.cores, "loadAverage": load},
        "disk": {
            "used": round(disk * life.disk(at), 2),
            "total": round(disk, 2),
            "unit": "GB",
        },
    }


def context(life: Life, at: float, parts: tuple[str, ...], ills: Ills) -> Answer:
    """The body of spec/CONTEXT.md; 503 when its database is down."""
    named = {"postgres": "database"}
    services = {named.get(part, part): ills.get(part, "ok") for part in parts}
    body = {
        "status": worst(ills) or "ok",
        "timestamp": stamp(at),
        "uptime": round(life.since_deploy(at)),
        "environment": "production",
        "version": life.version(at),
        "services": {**services, "api": "ok"},
        "system": system(life, at),
    }
    return _json(body, ills)


def actuator(life: Life, at: float, parts: tuple[str, ...], ills: Ills) -> Answer:
    """Spring Boot Actuator's ``/actuator/health`` with details."""
    words = _WORDS["actuator"]
    named = {"postgres": "db"}
    free = life.disk_total * (1 - life.disk(at))
    components: dict[str, Any] = {
        named.get(part, part): {"status": words[ills.get(part, "")]} for part in parts
    }
    space = {"total": int(life.disk_total), "free": int(free), "threshold": 10485760}
    components["diskSpace"] = {"status": "UP", "details": {**space, "exists": True}}
    components["ping"] = {"status": "UP"}
    kind = "application/vnd.spring-boot.actuator.v3+json"
    return _json({"status": words[worst(ills)], "components": components}, ills, kind)


def health_json(life: Life, at: float, parts: tuple[str, ...], ills: Ills) -> Answer:
    """The draft ``application/health+json`` (draft-inadarei-api-health-check)."""
    words = _WORDS["health+json"]
    checks: dict[str, Any] = {
        f"{part}:responseTime": [
            {
                "componentType": "datastore",
                "observedValue": round(life.latency_ms(3, at), 2),
                "observedUnit": "ms",
                "status": words[ills.get(part, "")],
                "time": stamp(at),
            }
        ]
        for part in parts
    }
    seconds = round(life.since_deploy(at))
    checks["uptime"] = [
        {"componentType": "system", "observedValue": seconds, "observedUnit": "s", "status": "pass"}
    ]
    body = {
        "status": words[worst(ills)],
        "version": "1",
        "releaseId": life.version(at),
        "description": "health of the recruiting API",
        "checks": checks,
    }
    return _json(body, ills, "application/health+json")


def aspnet(life: Life, at: float, parts: tuple[str, ...], ills: Ills) -> Answer:
    """ASP.NET health checks with the usual JSON writer (``entries``)."""
    words = _WORDS["aspnet"]
    took = f"00:00:00.{int(life.latency_ms(3, at) * 10_000):07d}"
    named = {"postgres": "npgsql"}
    entries = {
        named.get(part, part): {
            "data": {},
            "duration": took,
            "status": words[ills.get(part, "")],
            "tags": ["ready"],
        }
        for part in parts
    }
    return _json({"status": words[worst(ills)], "totalDuration": took, "entries": entries}, ills)


def plain(_life: Life, _at: float, _parts: tuple[str, ...], ills: Ills) -> Answer:
    """A word of text."""
    word = _WORDS["aspnet"][worst(ills)]
    return _code(ills), "text/plain; charset=utf-8", word.encode()


#: By what a service speaks: the path of its health page, and the body there.
FORMATS: Mapping[str, tuple[str, Body]] = {
    "context": ("/health", context),
    "https": ("/health", context),
    "actuator": ("/actuator/health", actuator),
    "health+json": ("/health", health_json),
    "aspnet": ("/health", aspnet),
    "plain": ("/healthz", plain),
}


def _code(ills: Ills) -> int:
    return 503 if worst(ills) == "error" else 200


def _json(body: dict[str, Any], ills: Ills, kind: str = "application/json") -> Answer:
    return _code(ills), kind, json.dumps(body).encode()
