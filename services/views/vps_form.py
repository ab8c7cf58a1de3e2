"""From what somebody fills in to add a server to an entry as it stands in an inventory. Pure: what
is wrong in it is for the inventory's desk to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from services.errors import ValidationError

#: What a service's check is called on the form, and the type that a service with it has unless
#: another is given.
CHECKS: Mapping[str, str] = {
    "http": "backend", "tcp": "tcp", "postgres": "database", "redis": "redis", "smtp": "smtp",
    "tls": "tls", "dns": "dns",
}  # fmt: skip
SOURCES = ("agent", "exporter", "health", "local", "none")
MOST_SERVICES = 200
LONGEST_YAML = 20_000


def entry(
    fields: Mapping[str, object], services: Iterable[Mapping[str, object]], tenants: object
) -> dict[str, Any]:
    """The entry of a server. ``fields``: id, name, region, source, url, more; ``services``: a row
    each with name, type, check, address, unit, of which those without anything are left out.
    Raises ValidationError for a YAML that is none."""
    given: dict[str, Any] = {"id": _text(fields, "id")}
    for name in ("name", "region"):
        if text := _text(fields, name):
            given[name] = text
    if (source := _text(fields, "source")) in SOURCES[:-1]:
        given["source"] = {"type": source}
        if source in ("exporter", "health"):
            given["source"]["url"] = _text(fields, "url")
    rows = [
        _service(row) for row in services if any(_text(row, key) for key in ("name", "address"))
    ]
    if rows or _text(fields, "more"):
        given["services"] = [*rows, *_more(_text(fields, "more"))]
    if isinstance(tenants, list) and tenants:
        given["tenants"] = [str(one) for one in tenants]
    return given


def _service(row: Mapping[str, object]) -> dict[str, Any]:
    check, address = _text(row, "check"), _text(row, "address")
    check = check if check in CHECKS else "http"
    made: dict[str, Any] = {
        "name": _text(row, "name"),
        "type": _text(row, "type") or CHECKS[check],
    }
    if address:
        made["check"] = {check: address}
    if unit := _text(row, "unit"):
        made["unit"] = unit
    return made


def _more(text: str) -> list[Any]:
    """The services of a YAML list."""
    if not text:
        return []
    if len(text) > LONGEST_YAML:
        raise ValidationError(f"The YAML of the services has {LONGEST_YAML} characters at most.")
    found = _read(text)
    if isinstance(found, dict) and list(found) == ["services"]:
        found = found["services"]
    if not isinstance(found, list) or len(found) > MOST_SERVICES:
        raise ValidationError(
            "The YAML of the services must be a list such as `- {name: api, type: backend, check: "
            '{http: "https://api.example/health"}}`.'
        )
    return found


def _read(text: str) -> object:
    """What a YAML says, without aliases, which can make little text mean very much."""
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise ValidationError("The YAML of the services has an alias (*name); write it out.")
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise ValidationError(f"The YAML of the services is wrong{where}: {problem}.") from None


def _text(given: Mapping[str, object], name: str) -> str:
    value = given.get(name)
    return value.strip() if isinstance(value, str) else ""
