"""Secrets in a server or tenant that was added in the UI: the database keeps their names alone.

A literal password is refused, and so is a variable anywhere else: what stands in a name or an
address is shown to everybody who may look.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, SecretStr

from services import settings
from services.inventory import schema

Path = tuple[str | int, ...]
Rule = Callable[[str], str | None]

_CHECKS: Mapping[str, type[BaseModel]] = {
    model.model_fields["type"].default: model
    for model in (
        schema.HttpCheck,
        schema.TcpCheck,
        schema.TlsCheck,
        schema.DnsCheck,
        schema.PostgresCheck,
        schema.RedisCheck,
        schema.S3Check,
        schema.SmtpCheck,
    )
}
_NAME = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"
_REFERENCE = re.compile(_NAME)
_REFERENCES = re.compile(rf"(?:{_NAME})+")
#: ``Bearer ${TOKEN}``: the word before says how, not what.
_HEADER = re.compile(rf"(?:[A-Za-z][A-Za-z0-9-]* )?(?:{_NAME})+")
_HARMLESS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "content-type",
        "host",
        "origin",
        "referer",
        "user-agent",
    }
)
_TELLING = re.compile(
    r"pass(?:word|wd|phrase)?|pwd|secret|token|(?:api|access|auth)?[-_.]?key|sig(?:nature)?|"
    r"(?:access|auth|api)[-_.]?token|x-amz-signature|credentials?",
    re.IGNORECASE,
)
_WRITE = "write ${NAME}, and set the variable NAME where Healthdeck runs"


def literals(entry: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """The path of each secret that is written out, and of each variable that stands where no
    secret belongs, with what would be right. No text holds a value."""
    secrets = dict(_secrets(entry))
    for path, text in _texts(entry, ()):
        if rule := secrets.get(path):
            wrong = rule(text) or _own_setting(text)
        elif "${" in text:
            wrong = "a variable may stand only where a secret belongs; write the text out"
        else:
            wrong = _address(text)
        if wrong:
            yield path, wrong


def _secrets(entry: Mapping[str, Any]) -> Iterator[tuple[Path, Rule]]:
    """The places of an entry that the schema calls secret, each with its rule."""
    for path, check in _checks(entry):
        kind = str(check.get("type", next(iter(check), None)))
        model = _CHECKS.get(kind)
        if model is None:
            continue
        below, fields = (path, check) if "type" in check else ((*path, kind), check[kind])
        for name, field in model.model_fields.items():
            written = field.alias or name
            if not _secret(field.annotation):
                continue
            if isinstance(fields, str):
                if written == "url":
                    yield below, _url
            elif written == "requestHeaders":
                headers = fields.get(written) if isinstance(fields, dict) else None
                for header in headers if isinstance(headers, dict) else ():
                    yield (*below, written, header), _header(header)
            else:
                yield (*below, written), _url if written == "url" else _whole


def _secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(_secret(inner) for inner in get_args(annotation))


def _checks(entry: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    if isinstance(entry.get("witness"), dict):
        yield ("witness",), entry["witness"]
    services = entry.get("services")
    for at, service in enumerate(services if isinstance(services, list) else ()):
        if isinstance(service, dict) and isinstance(service.get("check"), dict):
            yield ("services", at, "check"), service["check"]


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from _texts(below, (*path, key))
    elif isinstance(value, list):
        for at, below in enumerate(value):
            yield from _texts(below, (*path, at))


def _whole(text: str) -> str | None:
    return None if _REFERENCES.fullmatch(text) else f"a secret is not kept here; {_WRITE}"


def _header(name: str) -> Rule:
    def rule(text: str) -> str | None:
        if name.lower() in _HARMLESS or _HEADER.fullmatch(text):
            return None
        return f"what this header says is not kept here; {_WRITE}, such as Bearer ${{NAME}}"

    return rule


def _url(text: str) -> str | None:
    if _REFERENCES.fullmatch(text):
        return None
    head, _, query = text.partition("?")
    login, at, rest = head.partition("//")[2].partition("@")
    password = login.partition(":")[2] if at else ""
    literal = password and not _REFERENCES.fullmatch(password)
    # A password whose characters are not written as %40 and %2F may lie where none is looked for.
    astray = at and ("@" in rest or "/" in login)
    if (
        literal
        or astray
        or any(
            not _REFERENCES.fullmatch(value) and _TELLING.fullmatch(name)
            for name, value in parse_qsl(query)
        )
    ):
        return f"a password is not kept here; in its place {_WRITE}"
    return None


def _address(text: str) -> str | None:
    """What is wrong with a text that is an address with a secret in it."""
    if "://" not in text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None  # the schema says so
    if "@" in parts.netloc:
        return (
            "a login has no place in an address that everybody sees; an http check sends it with "
            'requestHeaders: {"Authorization": "Basic ${NAME}"}'
        )
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if _TELLING.fullmatch(name):
            return (
                f"'{name}' looks like a secret, and everybody sees an address; an http check "
                'sends one with requestHeaders: {"Authorization": "Bearer ${NAME}"}'
            )
    return None


def _own_setting(text: str) -> str | None:
    for found in _REFERENCE.findall(text):
        name = found[2:-1]
        if name.removesuffix("_FILE") in settings.NAMES:
            return f"{name} is Healthdeck's own and goes to nobody; set another variable"
    return None
