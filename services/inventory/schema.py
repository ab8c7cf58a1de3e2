"""The inventory as people write it: servers, what runs on them, tenants, contacts, rules.

What one part says of another (names that must exist) is checked in services.inventory.references.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from services.inventory.check_specs import (
    Check,
    DnsCheck,
    HttpCheck,
    PostgresCheck,
    RedisCheck,
    S3Check,
    SmtpCheck,
    TcpCheck,
    TlsCheck,
    Witness,
)
from services.inventory.kinds import reader
from services.inventory.people import Contact, Group, Rotation, WebhookAddress
from services.rule import Id, Rule, WebAddress, Wire

__all__ = [
    "AgentSource",
    "ApplicationSpec",
    "Check",
    "Contact",
    "DnsCheck",
    "ExporterSource",
    "Group",
    "HealthSource",
    "HttpCheck",
    "Inventory",
    "LocalSource",
    "Monitoring",
    "PostgresCheck",
    "RedisCheck",
    "Rotation",
    "S3Check",
    "ServiceSpec",
    "SlaPolicy",
    "SmtpCheck",
    "Source",
    "TcpCheck",
    "TenantSpec",
    "TlsCheck",
    "VpsSpec",
    "WebhookAddress",
    "Witness",
]

#: A line for people to read.
Label = Annotated[str, Field(max_length=200)]


class ServiceSpec(Wire):
    """A service on a VPS. ``depends_on`` names services of the same VPS, or ``vps/service``.
    Where it can be restarted, it is a systemd ``unit`` or a ``container``."""

    name: Id
    type: Id
    check: Check | None = None
    unit: Annotated[str, Field(pattern=r"^[A-Za-z0-9_@:.\\][A-Za-z0-9_@:.\\-]{0,254}$")] | None = (
        None
    )
    container: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")] | None = None
    depends_on: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_way_to_restart(self) -> Self:
        if self.unit is not None and self.container is not None:
            raise ValueError(
                "a service is a unit or a container; keep the one by which it is restarted"
            )
        return self


class LocalSource(Wire):
    """This machine, read through psutil."""

    type: Literal["local"]


class AgentSource(Wire):
    """The machine's own agent, which reports by itself."""

    type: Literal["agent"]


class ExporterSource(Wire):
    """A Prometheus node_exporter, whose page of metrics is ``url``."""

    type: Literal["exporter"]
    url: WebAddress


class HealthSource(Wire):
    """A health endpoint that also tells of the machine."""

    type: Literal["health"]
    url: WebAddress


Source = Annotated[
    Annotated[
        LocalSource | AgentSource | ExporterSource | HealthSource, Field(discriminator="type")
    ],
    BeforeValidator(
        reader(
            "source",
            {
                "local": None,
                "agent": None,
                "exporter": lambda text: {"url": text},
                "health": lambda text: {"url": text},
            },
            '{type: local}, {type: agent}, {type: exporter, url: "http://host:9100/metrics"} or '
            '{type: health, url: "https://host/health"}',
            "a server",
        )
    ),
]


class Monitoring(Wire):
    """``interval`` and ``timeout`` in seconds; without them the settings hold."""

    enabled: bool = True
    interval: Annotated[float, Field(ge=1, le=86400)] | None = None
    timeout: Annotated[float, Field(ge=0.1, le=300)] | None = None


class VpsSpec(Wire):
    id: Id
    name: Label = ""
    region: Label = ""
    provider: Label = ""
    tags: tuple[Label, ...] = ()
    source: Source | None = None
    witness: Witness | None = None
    monitoring: Monitoring = Monitoring()
    services: tuple[ServiceSpec, ...] = ()
    tenants: tuple[Id, ...] = ()

    @property
    def label(self) -> str:
        return self.name or self.id


class ApplicationSpec(Wire):
    """An application of a tenant under its own address. ``runs_on``: ``vps/service``."""

    name: Id
    url: WebAddress
    runs_on: str | None = None
    depends_on: tuple[str, ...] = ()


class SlaPolicy(Wire):
    """How a tenant's time is counted. Unhealthy time is always down. ``unknown``: nobody could
    look; ``blindness``: because the monitor itself did not run or could not see. ``maintenance``:
    whether time in planned windows is taken out."""

    degraded: Literal["up", "down"] = "up"
    unknown: Literal["excluded", "up", "down"] = "excluded"
    maintenance: Literal["excluded", "counted"] = "counted"
    blindness: Literal["excluded", "up", "down"] = "excluded"


class TenantSpec(Wire):
    """``sla``: the share of the time, in percent, in which it was promised to be up."""

    id: Id
    organization_name: Label = ""
    sla: Annotated[float, Field(gt=0, le=100)] = 99.9
    sla_policy: SlaPolicy = SlaPolicy()
    services: tuple[ApplicationSpec, ...] = ()

    @property
    def label(self) -> str:
        return self.organization_name or self.id


class Inventory(Wire):
    """Everything that is watched, and who is told."""

    vps: tuple[VpsSpec, ...] = ()
    tenants: tuple[TenantSpec, ...] = ()
    contacts: tuple[Contact, ...] = ()
    groups: tuple[Group, ...] = ()
    on_call: tuple[Rotation, ...] = ()
    rules: tuple[Rule, ...] = ()
