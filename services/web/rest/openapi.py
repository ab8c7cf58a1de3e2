"""``/api/openapi.json``: the OpenAPI 3.1 document, made from the declared operations."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.json_schema import models_json_schema

from services.web.rest.ids import ID
from services.web.rest.operation import Answer, Operation

REF = "#/components/schemas/{model}"
SECURITY = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A JWT, or an API key (hd_...).",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "healthdeck",
        "description": "The cookie of the login page; over https it is named __Host-healthdeck.",
    },
    "agent": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of one server's agent (hda_...).",
    },
}
_ID = {"type": "string", "pattern": f"^{ID.pattern}$"}
_ALLOWED: Mapping[str, list[dict[str, list[str]]]] = {
    "anyone": [],
    "agent": [{"agent": []}],
}

Json = dict[str, Any]


class Error(Answer):
    """What every error looks like."""

    success: bool = False
    error: str
    error_code: str
    request_id: str
    details: tuple[Any, ...] = ()


def document(operations: Iterable[Operation], version: str, url: str) -> Json:
    """The document of ``operations``; ``url`` is where they are reached."""
    operations = list(operations)
    schemas, components = _schemas(operations)
    paths: dict[str, Json] = {}
    for one in operations:
        paths.setdefault(_path(one), {})[one.method.lower()] = _described(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Healthdeck",
            "version": version,
            "description": "What is broken, which tenants it hurts, and who has been told.",
        },
        "servers": [{"url": url}],
        "tags": [{"name": tag} for tag in dict.fromkeys(one.tag for one in operations)],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": SECURITY},
    }


def _schemas(
    operations: Sequence[Operation],
) -> tuple[dict[tuple[type[BaseModel], str], Json], Json]:
    wanted: dict[tuple[type[BaseModel], Any], None] = {(Error, "serialization"): None}
    for one in operations:
        for model, mode in (
            (one.query, "validation"),
            (one.body, "validation"),
            (one.answer, "serialization"),
        ):
            if model:
                wanted[(model, mode)] = None
    found, definitions = models_json_schema(list(wanted), by_alias=True, ref_template=REF)
    return dict(found), definitions["$defs"]  # type: ignore[arg-type]


def _path(one: Operation) -> str:
    return re.sub(r"<(\w+)>", lambda found: f"{{{to_camel(found[1])}}}", one.path)


def _described(one: Operation, schemas: Mapping[tuple[type[BaseModel], str], Json]) -> Json:
    summary, _, more = inspect.getdoc(one.run).partition("\n\n")  # type: ignore[union-attr]
    described: Json = {
        "operationId": one.id,
        "tags": [one.tag],
        "summary": " ".join(summary.split()).rstrip("."),
        "description": " ".join(more.split()),
        "security": _ALLOWED.get(one.who, [{"token": []}, {"session": []}]),
        "parameters": [*_in_path(one), *_in_query(one, schemas)],
        "responses": _responses(one, schemas),
    }
    if one.method == "POST" and one.who not in ("anyone", "agent"):
        described["parameters"].append(_IDEMPOTENCY)
    if one.if_match:
        described["parameters"].append(_IF_MATCH)
    if one.body or one.free_body:
        schema = schemas[(one.body, "validation")] if one.body else {"type": "object"}
        described["requestBody"] = {
            "required": not one.body_optional,
            "content": {"application/json": {"schema": schema}},
        }
    return described


_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Sent again within a day with the same key, the request is answered as before.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}

_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what is changed, or its version in quotes: 409 when somebody else "
    "has changed it since.",
    "schema": {"type": "string", "examples": ['"3"']},
}


def _in_path(one: Operation) -> list[Json]:
    return [
        {"name": to_camel(name), "in": "path", "required": True, "schema": _ID}
        for name in one.parameters
    ]


def _in_query(one: Operation, schemas: Mapping[tuple[type[BaseModel], str], Json]) -> list[Json]:
    if not one.query:
        return []
    found = one.query.model_json_schema(by_alias=True, ref_template=REF)
    return [
        {
            "name": name,
            "in": "query",
            "required": name in found.get("required", ()),
            "description": schema.pop("description", ""),
            "schema": {key: value for key, value in schema.items() if key != "title"},
        }
        for name, schema in found["properties"].items()
    ]


def _responses(one: Operation, schemas: Mapping[tuple[type[BaseModel], str], Json]) -> Json:
    responses: Json = {}
    for status in (one.status, *one.also):
        good: Json = {"description": HTTPStatus(status).phrase}
        if one.answer:
            good["content"] = {
                kind: {"schema": schemas[(one.answer, "serialization")] if "json" in kind else {}}
                for kind in one.media
            }
        elif one.media != ("application/json",):
            good["content"] = {kind: {} for kind in one.media}
        responses[str(status)] = good
    error = {"application/json": {"schema": {"$ref": REF.format(model="Error")}}}
    for status in sorted(_errors(one)):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": error}
    return responses


def _errors(one: Operation) -> set[int]:
    found = {500, 503, *one.errors}
    if one.who != "anyone":
        found |= {400, 401, 403, 429}
    if one.parameters:
        found |= {400, 404}
    if one.body or one.free_body:
        found |= {400, 413, 415}
    if one.query:
        found |= {400}
    if one.method == "POST" and one.who not in ("anyone", "agent"):
        found |= {409}
    return found - {one.status}
