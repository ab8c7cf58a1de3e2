"""What the stream tells, one class for each kind of news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from healthdeck_client import types as t


@dataclass(frozen=True, slots=True)
class OverviewChanged:
    """The state of everything; at most one a second. In a large fleet ``body["vps"]`` holds the
    changed servers alone, and ``body["partial"]`` is then true."""

    seq: int
    body: t.HealthOverview


@dataclass(frozen=True, slots=True)
class VPSChanged:
    """A server that was subscribed to, at once."""

    seq: int
    vps_id: str
    body: t.VpsHealth


@dataclass(frozen=True, slots=True)
class TenantChanged:
    """A tenant that was subscribed to, at once."""

    seq: int
    tenant_id: str
    body: t.TenantHealth


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """A new alert."""

    seq: int
    body: t.Alert


@dataclass(frozen=True, slots=True)
class AlertChanged:
    """An alert was acknowledged, escalated, resolved or the like."""

    seq: int
    body: t.Alert


@dataclass(frozen=True, slots=True)
class AnnotationAdded:
    """Somebody marked a moment: a deployment, an incident."""

    seq: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class JobChanged:
    """A step of an action that this identity asked for."""

    seq: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unknown:
    """News of a kind that this client is too old to know."""

    seq: int
    name: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Missed:
    """News was lost: read what you keep anew. ``count`` is how many, None after a reconnection,
    when nobody knows."""

    reason: Literal["gap", "reconnected"]
    count: int | None = None


Event: TypeAlias = (
    OverviewChanged
    | VPSChanged
    | TenantChanged
    | AlertRaised
    | AlertChanged
    | AnnotationAdded
    | JobChanged
    | Unknown
    | Missed
)


def read(name: str, sent: Mapping[str, Any]) -> tuple[int, Event]:
    """What was sent, and its number."""
    body: Any = {key: value for key, value in sent.items() if key != "seq"}
    seq = int(sent.get("seq", 0))
    if name == "health:update":
        return seq, _update(seq, body)
    kinds: dict[str, type[AlertRaised | AlertChanged | AnnotationAdded | JobChanged]] = {
        "alert:new": AlertRaised,
        "alert:update": AlertChanged,
        "annotation:new": AnnotationAdded,
        "job:update": JobChanged,
    }
    kind = kinds.get(name)
    return seq, kind(seq, body) if kind else Unknown(seq, name, body)


def _update(seq: int, body: dict[str, Any]) -> Event:
    if "tenantId" in body:  # before vpsId: a tenant's body names its server too
        return TenantChanged(seq, body["tenantId"], cast(t.TenantHealth, body))
    if "vpsId" in body:
        return VPSChanged(seq, body["vpsId"], cast(t.VpsHealth, body))
    return OverviewChanged(seq, cast(t.HealthOverview, body))
