"""The wire type: one reading of one target at one time.

Targets have text keys: ``vps-1`` (a VPS), ``vps-1/postgres`` (a service on it),
``vps-1/backend-api/database`` (a dependency that a service reports),
``@tenant-acme`` (a tenant), ``@tenant-acme/nexus`` (one of its applications) and ``*``
(the platform: everything together).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """What we know of a target. Unknown means that we could not look."""

    HEALTHY = "healthy"
    UNKNOWN = "unknown"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


_RANK = {status: rank for rank, status in enumerate(Status)}


def worst(statuses: Iterable[Status]) -> Status:
    """The most severe of some statuses; unknown when there are none."""
    return max(statuses, key=_RANK.__getitem__, default=Status.UNKNOWN)


PLATFORM = "*"


class Kind(StrEnum):
    PLATFORM = "platform"
    VPS = "vps"
    SERVICE = "service"
    DEPENDENCY = "dependency"
    TENANT = "tenant"
    APPLICATION = "application"


def kind_of(key: str) -> Kind:
    """The kind of target that a key names."""
    if key == PLATFORM:
        return Kind.PLATFORM
    if key.startswith("@"):
        return Kind.APPLICATION if "/" in key else Kind.TENANT
    return (Kind.VPS, Kind.SERVICE, Kind.DEPENDENCY)[min(key.count("/"), 2)]


def vps_of(key: str) -> str | None:
    """The VPS that a key lies on; None for tenants, their applications and the platform."""
    return None if key.startswith(("@", PLATFORM)) else key.partition("/")[0]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one probe of a service found.

    ``message`` says in one line what was found, ``response_ms`` how long the answer took,
    ``uptime_s`` what the service says of itself, ``parts`` the state of each dependency that
    it reports, ``evidence`` what a reader needs to believe it (HTTP status, error class).
    """

    status: Status
    message: str
    response_ms: float | None = None
    uptime_s: float | None = None
    parts: Mapping[str, Status] = field(default_factory=dict)
    evidence: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observation:
    """One reading of ``target`` at ``at`` (seconds since the epoch, UTC).

    ``metrics`` maps full metric names of the catalogue to values in their units;
    ``facts`` holds what rarely changes (number of cores, name of the machine).
    ``error`` says why a reading failed: the target was looked at and gave nothing usable.
    """

    target: str
    at: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    check: CheckResult | None = None
    facts: Mapping[str, str | int | float] = field(default_factory=dict)
    error: str | None = None
