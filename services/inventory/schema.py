"""The inventory as people write it: servers, what runs on them, tenants, contacts, rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from services.rule import Id, Rule, Wire


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    try:
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        usable = None
    if not usable:
        raise ValueError(f"'{url}' is no web address; write it as https://host/path")
    return url


class HttpCheck(Wire):
    """A request that must be answered 2xx; a health body inside is read and believed."""

    type: Literal["http"] = "http"
    url: str

    _address = field_validator("url")(_web_address)


class TcpCheck(Wire):
    """A connection that must be accepted."""

    type: Literal["tcp"] = "tcp"
    host: str
    port: Annotated[int, Field(ge=1, le=65535)]

    @classmethod
    def parse(cls, text: str) -> dict[str, Any]:
        host, _, port = text.removeprefix("tcp://").rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not host or not port.isdigit():
            raise ValueError(f"'{text}' is no address; write it as host:port")
        return {"type": "tcp", "host": host, "port": int(port)}


Check = Annotated[HttpCheck | TcpCheck, Field(discriminator="type")]

#: How the one-line form of each check is read: ``{http: URL}``, ``{tcp: "host:port"}``.
SHORT_FORMS = {"http": lambda text: {"type": "http", "url": text}, "tcp": TcpCheck.parse}


def _check(value: Any) -> Any:
    if not isinstance(value, dict) or "type" in value:
        return value
    if len(value) != 1:
        raise ValueError("a check names exactly one kind, such as {http: https://host/health}")
    ((kind, detail),) = value.items()
    if kind not in SHORT_FORMS:
        raise ValueError(f"there is no check '{kind}'; known: {', '.join(SHORT_FORMS)}")
    if isinstance(detail, dict):
        return {"type": kind, **detail}
    if not isinstance(detail, str):
        raise ValueError(f"the {kind} check needs an address as text")
    return SHORT_FORMS[kind](detail)


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
    name: str = ""
    region: str = ""
    provider: str = ""
    tags: tuple[str, ...] = ()
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
    url: str
    runs_on: str | None = None
    depends_on: tuple[str, ...] = ()

    _address = field_validator("url")(_web_address)


class TenantSpec(Wire):
    id: Id
    organization_name: str = ""
    sla: Annotated[float, Field(gt=0, le=100)] = 99.9
    services: tuple[ApplicationSpec, ...] = ()

    @property
    def label(self) -> str:
        return self.organization_name or self.id


class WebhookAddress(Wire):
    url: str
    secret: SecretStr

    _address = field_validator("url")(_web_address)


class Contact(Wire):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    email: str | None = None
    phone: str | None = None
    webhook: WebhookAddress | None = None


class Inventory(Wire):
    """Everything that is watched, and who is told. Names inside it are checked against it."""

    vps: tuple[VpsSpec, ...] = ()
    tenants: tuple[TenantSpec, ...] = ()
    contacts: tuple[Contact, ...] = ()
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = list(self._problems())
        if problems:
            raise ValueError("; ".join(text for _, text in problems))
        return self

    def _problems(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Each inconsistency with the path of the field that holds it."""
        yield from ()
