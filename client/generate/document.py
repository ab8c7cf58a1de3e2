"""The OpenAPI document, as far as a client needs it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

Json = Mapping[str, Any]

#: ``pages``: a list that comes in parts; ``file``: an answer of any length, read while it comes.
Kind = Literal["json", "text", "nothing", "file"]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
_REF = "#/components/schemas/"


def snake(name: str) -> str:
    """``getVPSHealth`` as Python writes it: ``get_vps_health``."""
    return "_".join(word.lower() for word in _WORD.findall(name))


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of the path, or what may stand behind the question mark."""

    name: str
    schema: Json
    required: bool
    description: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """Where in an answer the rows of a page are: the field, and the schema of a row."""

    field: str
    row: Json


@dataclass(frozen=True, slots=True)
class Method:
    """An operation. ``body`` is its schema, None without one; ``keyed``: it takes an
    Idempotency-Key; ``open``: it needs no identity, as a probe does not."""

    id: str
    verb: str
    path: str
    summary: str
    description: str
    parts: tuple[Parameter, ...]
    query: tuple[Parameter, ...]
    body: Json | None
    body_required: bool
    kind: Kind
    answer: Json
    keyed: bool
    open: bool
    listing: Listing | None

    @property
    def name(self) -> str:
        return snake(self.id)


class Document:
    """Methods in the document's order, and the schemas that they use, by their short names."""

    def __init__(self, document: Json) -> None:
        self._schemas: Json = document["components"]["schemas"]
        self.methods = tuple(
            self._method(path, verb, operation)
            for path, verbs in document["paths"].items()
            for verb, operation in verbs.items()
        )

    @cached_property
    def schemas(self) -> dict[str, Json]:
        """What is sent and answered, by name; queries and errors are no part of it."""
        found: set[str] = set()
        ahead = [ref for method in self.methods for ref in _refs([method.body, method.answer])]
        while ahead:
            key = ahead.pop()
            if key not in found:
                found.add(key)
                ahead.extend(_refs(self._schemas[key]))
        named = {self.short(key): self._schemas[key] for key in found}
        if len(named) != len(found):
            raise ValueError(f"two schemas have one short name: {sorted(found)}")
        return dict(sorted(named.items()))

    def short(self, key: str) -> str:
        """``Alert`` for itself; where two modules have an Entry, ``AuditEntry``."""
        *module, name = key.split("__")
        text = f"{module[-1].capitalize()}{name}" if module else name
        return re.sub(r"[^A-Za-z0-9]", "", text)

    def named(self, ref: str) -> str:
        """The short name of what a ``$ref`` points to."""
        return self.short(ref.removeprefix(_REF))

    def _method(self, path: str, verb: str, operation: Json) -> Method:
        kind, answer = _answer(operation["responses"])
        parameters = operation["parameters"]
        body = operation.get("requestBody")
        return Method(
            id=operation["operationId"],
            verb=verb.upper(),
            path=path,
            summary=operation["summary"],
            description=operation["description"],
            parts=_parameters(parameters, "path"),
            query=_parameters(parameters, "query"),
            body=body["content"]["application/json"]["schema"] if body else None,
            body_required=bool(body and body["required"]),
            kind=kind,
            answer=answer,
            keyed=any(one["name"] == "Idempotency-Key" for one in parameters),
            open=operation["security"] == [],
            listing=self._listing(parameters, answer),
        )

    def _listing(self, parameters: Iterable[Json], answer: Json) -> Listing | None:
        if not any(one["name"] == "cursor" for one in parameters):
            return None
        properties = self._schemas[answer["$ref"].removeprefix(_REF)]["properties"]
        lists = [(name, one) for name, one in properties.items() if one.get("type") == "array"]
        if len(lists) != 1:
            raise ValueError(f"not one list, but {len(lists)}, in {answer['$ref']}")
        ((name, schema),) = lists
        return Listing(name, schema["items"])


def _parameters(given: Iterable[Json], place: str) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(
            one["name"],
            one["schema"],
            # a query's field that must be there has neither a default nor null
            one["required"] or "default" not in one["schema"],
            one.get("description", ""),
        )
        for one in given
        if one["in"] == place
    )


def _answer(responses: Json) -> tuple[Kind, Json]:
    status = min(code for code in responses if code.startswith("2"))
    if status == "204":
        return "nothing", {}
    content = responses[status].get("content")
    if content is None:
        return "json", {}
    schema = content.get("application/json", {}).get("schema")
    if schema:
        return "json", schema
    return ("file" if "text/csv" in content else "text"), {}


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix(_REF)
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from _refs(one)
