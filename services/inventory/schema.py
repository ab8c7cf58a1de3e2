"""The inventory as people write it: servers, what runs on them, tenants, contacts, rules.

What one part says of another (names that must exist) is checked in services.inventory.references.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import re
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator

from services.rule import Id, Rule, WebAddress, Wire

#: A line for people to read.
Label = Annotated[str, Field(max_length=200)]


class HttpCheck(Wire):
    """A request that must be answered 2xx; a health body inside is read and believed."""

    type: Literal["http"] = "http"
    url: WebAddress


class TcpCheck(Wire):
    """A connection that must be accepted."""

    type: Literal["tcp"] = "tcp"
    host: str
    port: Annotated[int, Field(ge=1, le=65535)]

    @classmethod
    def parse(cls, text: str) -> dict[str, Any]:
        found = re.fullmatch(r"(?:tcp://)?(\[[0-9A-Fa-f:.%]+\]|[^\s:/@?#\[\]]+):([0-9]{1,5})", text)
        if not found or not 1 <= int(found[2]) <= 65535:
            raise ValueError(
                f"'{text}' is no address; write it as host:port, such as db.example:5432"
            )
        return {"type": "tcp", "host": found[1].strip("[]"), "port": int(found[2])}


Check = Annotated[HttpCheck | TcpCheck, Field(discriminator="type")]

#: How the one-line form of each check is read: ``{http: URL}``, ``{tcp: "host:port"}``.
SHORT_FORMS = {"http": lambda text: {"type": "http", "url": text}, "tcp": TcpCheck.parse}


def _check(value: Any) -> Any:
    if value is None or isinstance(value, HttpCheck | TcpCheck):
        return value
    if not isinstance(value, dict) or not value:
        raise ValueError(
            'a check is written as {http: "https://host/health"} or {tcp: "host:port"}'
        )
    if "type" in value:
        _known_check(value["type"])
        return value
    if len(value) > 1:
        raise ValueError(f"a service has one check, and these are {len(value)}: {', '.join(value)}")
    ((kind, detail),) = value.items()
    _known_check(kind)
    if isinstance(detail, dict):
        return {**detail, "type": kind}
    if not isinstance(detail, str):
        raise ValueError(f"the {kind} check needs an address as text")
    return SHORT_FORMS[kind](detail)


def _known_check(kind: Any) -> None:
    if kind in SHORT_FORMS:
        return
    near = difflib.get_close_matches(str(kind), SHORT_FORMS, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(SHORT_FORMS)}"
    raise ValueError(f"there is no check '{kind}'; {hint}")


class ServiceSpec(Wire):
    """A service on a VPS. ``depends_on`` names services of the same VPS, or ``vps/service``."""

    name: Id
    type: Id
    check: Check | None = None
    unit: str | None = None
    depends_on: tuple[str, ...] = ()

    _short = field_validator("check", mode="before")(_check)


class LocalSource(Wire):
    """This machine, read through psutil."""

    type: Literal["local"]


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
    source: LocalSource | None = None
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
    name: Annotated[str, Field(min_length=1, max_length=100)]
    email: str | None = None
    phone: str | None = None
    webhook: WebhookAddress | None = None


class Inventory(Wire):
    """Everything that is watched, and who is told."""

    vps: tuple[VpsSpec, ...] = ()
    tenants: tuple[TenantSpec, ...] = ()
    contacts: tuple[Contact, ...] = ()
    rules: tuple[Rule, ...] = ()
