"""How a service is probed, as people write it: one model a check, and its one-line form.

What each one asks for and believes is in services.collect.checks.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from services import setting_values
from services.inventory.kinds import Form, reader
from services.rule import WebAddress, Wire
from services.setting_values import address

_HOST = re.compile(r"[^\s:/@?#\[\]]{1,253}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
#: Ours to write: with these a request would mean something else than what was asked.
_OWN_HEADERS = frozenset({"connection", "content-length", "te", "transfer-encoding", "upgrade"})


def _host(text: str) -> str:
    plain = text.removeprefix("[").removesuffix("]")
    if not _HOST.fullmatch(plain):
        try:
            ipaddress.ip_address(plain)
        except ValueError:
            raise ValueError(
                f"'{text}' is no host; write a name or an address alone, such as db.example"
            ) from None
    return plain


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


def _header_names(value: dict[str, Any]) -> dict[str, Any]:
    for name, content in value.items():
        if not _TOKEN.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise ValueError(f"'{name}' is no header that can be asked for or sent")
        text = content.get_secret_value() if isinstance(content, SecretStr) else content
        if not text.isprintable() or not text.isascii():
            raise ValueError(f"the header '{name}' holds characters that no header can have")
    return value


def _plain_value(value: Any) -> Any:
    finite = not isinstance(value, float) or math.isfinite(value)
    if finite and (value is None or isinstance(value, str | int | float | bool)):
        return value
    raise ValueError("a value to compare with is text, a number, true, false or null")


def _postgres_url(secret: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(secret.get_secret_value())
        usable = parts.scheme in ("postgres", "postgresql") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(
            "this is no PostgreSQL address; write postgresql://user:password@host:5432/database, "
            "and in a password %40 for @, %3A for :, %2F for /, %23 for #, %25 for %"
        )
    return secret


def _redis_url(secret: SecretStr) -> SecretStr:
    setting_values.redis(secret.get_secret_value())
    return secret


def _dns_server(text: str) -> str:
    found = re.fullmatch(r"\[([^\]]+)\](?::([0-9]{1,5}))?|([0-9.]+)(?::([0-9]{1,5}))?", text)
    host, port = (found[1] or found[3], int(found[2] or found[4] or 53)) if found else (text, 53)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        port = 0
    if not 1 <= port <= 65535:
        raise ValueError(
            f"'{text}' is no DNS server; write its address, such as 9.9.9.9, 9.9.9.9:53 or "
            "[2620:fe::fe]:53"
        )
    return text


Host = Annotated[str, AfterValidator(_host)]
Port = Annotated[int, Field(ge=1, le=65535)]
#: Days that a certificate must still be valid; with fewer the service is degraded.
Days = Annotated[int, Field(ge=0, le=3650)]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
HttpStatus = Annotated[int, Field(ge=100, le=599)]
JsonValue = Annotated[str | float | bool | None, BeforeValidator(_plain_value)]


class HttpCheck(Wire):
    """A request that must be answered as expected; a health body inside is read and believed.

    Without ``status`` any 2xx will do. ``header``: what a header of the answer must contain;
    ``json_paths`` (written ``json``): dotted path and the value that must stand there; ``text``:
    what the body must contain.
    """

    type: Literal["http"] = "http"
    url: WebAddress
    method: Literal["GET", "HEAD"] = "GET"
    status: Annotated[tuple[HttpStatus, ...], BeforeValidator(_one_or_many)] = ()
    header: Annotated[Mapping[str, str], AfterValidator(_header_names)] = {}
    json_paths: Mapping[Text, JsonValue] = Field(default={}, alias="json")
    text: Text | None = None
    tls_days: Days = 14
    request_headers: Annotated[Mapping[str, SecretStr], AfterValidator(_header_names)] = {}

    @model_validator(mode="after")
    def _has_a_body(self) -> Self:
        if self.method == "HEAD" and (self.text is not None or self.json_paths):
            raise ValueError("HEAD brings no body to look into; with text or json use GET")
        return self


class TcpCheck(Wire):
    """A connection that must be accepted."""

    type: Literal["tcp"] = "tcp"
    host: Host
    port: Port


class TlsCheck(Wire):
    """A certificate that must be valid for its host, for ``days`` more."""

    type: Literal["tls"] = "tls"
    host: Host
    port: Port = 443
    days: Days = 14


class DnsCheck(Wire):
    """A name that must be resolved, by ``server`` or else by the machine's own resolver, and to
    each value in ``expect``."""

    type: Literal["dns"] = "dns"
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]([A-Za-z0-9_.-]*)$", max_length=253)]
    server: Annotated[str, AfterValidator(_dns_server)] | None = None
    record: Literal["A", "AAAA", "CNAME", "MX", "TXT"] = "A"
    expect: tuple[Text, ...] = ()


class PostgresCheck(Wire):
    """A PostgreSQL that must answer a query."""

    type: Literal["postgres"] = "postgres"
    url: Annotated[SecretStr, AfterValidator(_postgres_url)]


class RedisCheck(Wire):
    """A Redis that must answer a ping."""

    type: Literal["redis"] = "redis"
    url: Annotated[SecretStr, AfterValidator(_redis_url)]


class SmtpCheck(Wire):
    """A mail server that must greet, and take the login when one is given."""

    type: Literal["smtp"] = "smtp"
    host: Host
    port: Port = 25
    security: Literal["none", "starttls", "tls"] = "none"
    user: Text | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together; give both or neither")
        return self


class S3Check(Wire):
    """A bucket that must be reachable; without keys an answer that asks for them will do."""

    type: Literal["s3"] = "s3"
    endpoint: WebAddress
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    region: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,50}$")] = "us-east-1"
    access_key: Text | None = None
    secret_key: SecretStr | None = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.access_key is None) != (self.secret_key is None):
            raise ValueError("accessKey and secretKey go together; give both or neither")
        return self


def _at(port: int | None, scheme: str) -> Callable[[str], dict[str, Any]]:
    return lambda text: address(text.removeprefix(f"{scheme}://"), port)._asdict()


#: How the one-line form of each check is read; None: it has fields only.
FORMS: Mapping[str, Form | None] = {
    "http": lambda text: {"url": text},
    "tcp": _at(None, "tcp"),
    "tls": _at(443, "tls"),
    "dns": lambda text: {"name": text},
    "postgres": lambda text: {"url": text},
    "redis": lambda text: {"url": text},
    "s3": None,
    "smtp": _at(25, "smtp"),
}

Check = Annotated[
    Annotated[
        HttpCheck
        | TcpCheck
        | TlsCheck
        | DnsCheck
        | PostgresCheck
        | RedisCheck
        | S3Check
        | SmtpCheck,
        Field(discriminator="type"),
    ],
    BeforeValidator(
        reader("check", FORMS, '{http: "https://host/health"} or {tcp: "host:port"}', "a service")
    ),
]

#: Something else on a server, by which to tell a silent agent from a dead machine.
Witness = Annotated[
    Annotated[TcpCheck | HttpCheck, Field(discriminator="type")],
    BeforeValidator(
        reader(
            "witness",
            {kind: FORMS[kind] for kind in ("tcp", "http")},
            '{tcp: "host:port"} or {http: "https://host/health"}',
            "a server",
        )
    ),
]
