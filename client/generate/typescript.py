"""The generated files beside ``portal.ts``."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from client.generate.document import Document, Json, Method, Parameter

NOTE = "Written by `python -m client.generate` from the OpenAPI document; changes get lost."

#: The specification's own methods, which portal.ts has in its words.
SPECIFIED = (
    "getHealthOverview",
    "getVPSHealth",
    "getTenantHealth",
    "getHealthHistory",
    "getServiceDependencies",
    "exportHealthMetrics",
)

WIDTH = 100

_ADMIN = "/api/admin"
_SCALARS = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def schema_module(document: Document) -> str:
    """An interface for every schema, and one for the filters of every question."""
    lines = ["/** What is sent and answered.", " *", f" *  {NOTE} */"]
    for name, schema in document.schemas.items():
        required = set(schema.get("required", ()))
        lines += ["", *_comment(schema.get("description", ""), 0)]
        lines.append(f"export interface {name} {{")
        for key, one in schema.get("properties", {}).items():
            mark = "" if key in required else "?"
            lines.append(f"  {key}{mark}: {typescript_type(document, one)};")
        lines.append("}")
    for method in document.methods:
        if method.query:
            lines += ["", f"/** What {method.id} takes. */"]
            lines.append(f"export interface {filters(method)} {{")
            for asked in method.query:
                lines += _comment(asked.description, 1)
                mark = "" if asked.required else "?"
                lines.append(f"  {asked.name}{mark}: {_asked_type(document, asked)};")
            lines.append("}")
    return "\n".join(lines) + "\n"


def operations_module(document: Document) -> str:
    """A class with a method for every operation that the specification does not name."""
    missing = set(SPECIFIED) - {method.id for method in document.methods}
    if missing:
        raise ValueError(f"the document lacks what the specification names: {sorted(missing)}")
    lines = [
        "/** A method for every operation of the API but those of the specification, which",
        " *  portal.ts has.",
        " *",
        f" *  {NOTE} */",
        "",
        "import type { AxiosResponse } from 'axios';",
        "import { keyed, query, type Client } from './http.js';",
        "import type * as t from './schema.js';",
        "",
        "export abstract class Operations {",
        "  constructor(",
        "    readonly client: Client,",
        f"    readonly adminPath: string = '{_ADMIN}',",
        "  ) {}",
    ]
    for method in document.methods:
        if method.id not in SPECIFIED:
            lines += ["", *_method(document, method)]
    return "\n".join([*lines, "}"]) + "\n"


def filters(method: Method) -> str:
    """The name of the interface of a method's question."""
    return f"{method.id[0].upper()}{method.id[1:]}Filters"


def typescript_type(document: Document, schema: Json, prefix: str = "") -> str:
    """A schema as a type; ``prefix`` stands before the names of schemas."""

    def inner(one: Json) -> str:
        return typescript_type(document, one, prefix)

    if "$ref" in schema:
        return prefix + document.named(schema["$ref"])
    if "enum" in schema:
        return " | ".join(_literal(value) for value in schema["enum"])
    if "const" in schema:
        return _literal(schema["const"])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " | ".join(dict.fromkeys(map(inner, schema[several])))
    kind = schema.get("type")
    if kind == "array":
        item = inner(schema.get("items", {}))
        return f"({item})[]" if "|" in item else f"{item}[]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"Record<string, {inner(values) if isinstance(values, dict) else 'unknown'}>"
    return _SCALARS.get(str(kind), "unknown")


def _literal(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else json.dumps(value)


def _asked_type(document: Document, one: Parameter) -> str:
    if one.schema.get("type") == "array":
        item = typescript_type(document, one.schema["items"])
        return f"{item} | ReadonlyArray<{item}>"
    return typescript_type(document, one.schema)


def _method(document: Document, method: Method) -> Iterator[str]:
    yield from _comment(" ".join([f"{method.summary}.", method.description]).strip(), 1)
    answer = {"text": "string", "file": "string", "nothing": "void"}.get(
        method.kind, typescript_type(document, method.answer, "t.")
    )
    given = list(_given(document, method))
    result = f"Promise<AxiosResponse<{answer}>>"
    line = f"  async {method.id}({', '.join(given)}): {result} {{"
    if len(line) <= WIDTH:
        yield line
    else:
        yield f"  async {method.id}("
        yield from (f"    {one}," for one in given)
        yield f"  ): {result} {{"
    yield f"    return this.client.{method.verb.lower()}({', '.join(_call(method))});"
    yield "  }"


def _given(document: Document, method: Method) -> Iterator[str]:
    yield from (f"{one.name}: string" for one in method.parts)
    if method.body is not None:
        kind = typescript_type(document, method.body, "t.")
        yield f"body: {kind}" if method.body_required else f"body?: {kind}"
    if method.query:
        free = all(not one.required for one in method.query)
        yield f"filters: t.{filters(method)}{' = {}' if free else ''}"
    if method.keyed:
        yield "idempotencyKey?: string"


def _call(method: Method) -> Iterator[str]:
    path = method.path
    if path.startswith(f"{_ADMIN}/"):
        path = f"${{this.adminPath}}{path.removeprefix(_ADMIN)}"
    for one in method.parts:
        path = path.replace(f"{{{one.name}}}", f"${{encodeURIComponent({one.name})}}")
    if method.query:
        path += "?${query(filters)}"
    yield f"`{path}`" if "$" in path else f"'{path}'"
    if method.body is not None:
        yield "body"
    if method.keyed:
        if method.body is None:
            yield "undefined"
        yield "keyed(idempotencyKey)"


def _comment(text: str, depth: int) -> Iterator[str]:
    if not text:
        return
    indent = "  " * depth
    wrapped = textwrap.wrap(
        " ".join(text.replace("*/", "* /").replace("``", "`").split()), 92 - len(indent)
    )
    first, *rest = wrapped
    yield f"{indent}/** {first}" + ("" if rest else " */")
    for line in rest:
        yield f"{indent} *  {line}" + (" */" if line is rest[-1] else "")
