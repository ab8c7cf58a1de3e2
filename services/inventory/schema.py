"""The inventory as people write it: servers, what runs on them, tenants, contacts, rules.

What one part says of another (names that must exist) is checked in services.inventory.references.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

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
from services.rule import Id, Rule, WebAddress, Wire

__all__ = [
    "AgentSource",
    "ApplicationSpec",
    "Check",
    "Contact",
    "DnsCheck",
    "ExporterSource",
    "HealthSource",
    "HttpCheck",
    "Inventory",
    "LocalSource",
    "Monitoring",
    "PostgresCheck",
    "RedisCheck",
    "S3Check",
    "ServiceSpec",
    "SmtpCheck",
    "Source",
    "TcpCheck",
    "TenantSpec",
    "TlsCheck",
    "VpsSpec",
    "WebhookAddress",
    "Witness",
]

_SERVICE_URL = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*://[^\s\x00-\x1f\x7f]{1,2000}", re.I)

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


class TenantSpec(Wire):
    id: Id
    organization_name: Label = ""
    sla: Annotated[float, Field(gt=0, le=100)] = 99.9
    services: tuple[ApplicationSpec, ...] = ()

    @property
    def label(self) -> str:
        return self.organization_name or self.id


class WebhookAddress(Wire):
    url: WebAddress
    secret: SecretStr

    @field_validator("secret")
    @classmethod
    def _usable(cls, secret: SecretStr) -> SecretStr:
        """Any text signs; one that says it is base64 (``whsec_``) must be."""
        text = secret.get_secret_value()
        if not text:
            raise ValueError("the secret is empty; give a random text of some 32 characters")
        if text.startswith("whsec_"):
            try:
                base64.b64decode(text.removeprefix("whsec_"), validate=True)
            except binascii.Error:
                raise ValueError("after 'whsec_' a secret goes on in base64") from None
        return secret


class Contact(Wire):
    """``apprise`` is a service URL (``slack://...``), which holds the service's token."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    email: str | None = None
    phone: str | None = None
    webhook: WebhookAddress | None = None
    apprise: SecretStr | None = None

    @field_validator("apprise")
    @classmethod
    def _a_service(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not _SERVICE_URL.fullmatch(url.get_secret_value()):
            raise ValueError(
                "this is not a service URL; write it as slack://..., or use webhook for an address "
                "that begins with http"
            )
        return url


class Inventory(Wire):
    """Everything that is watched, and who is told."""

    vps: tuple[VpsSpec, ...] = ()
    tenants: tuple[TenantSpec, ...] = ()
    contacts: tuple[Contact, ...] = ()
    rules: tuple[Rule, ...] = ()
