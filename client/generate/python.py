"""The generated modules of ``healthdeck_client``."""

from __future__ import annotations

import json
import keyword
import textwrap
from collections.abc import Iterator

from client.generate.document import Document, Json, Listing, Method, Parameter, snake

NOTE = "Written by ``python -m client.generate`` from the OpenAPI document; changes get lost."

_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_CALLS = {"json": "_json", "text": "_text", "nothing": "_nothing", "file": "_file"}


def types_module(document: Document) -> str:
    """A TypedDict for every schema: answers stay what JSON makes of them."""
    lines = [
        f'"""What is sent and answered.\n\n{NOTE}\n"""\n',
        "from __future__ import annotations\n",
        "from typing import Any, Literal, NotRequired, TypedDict\n",
    ]
    for name, schema in document.schemas.items():
        lines += _typed_dict(document, name, schema)
    return "\n".join(lines) + "\n"


def operations_module(document: Document) -> str:
    """A class with a method for every operation, and an iterator for every list in pages."""
    lines = [
        f'"""A method for every operation of the API.\n\n{NOTE}\n"""\n',
        "from __future__ import annotations\n",
        "from collections.abc import Iterator, Sequence",
        "from datetime import datetime",
        "from typing import Any, Literal, cast\n",
        "from healthdeck_client import types as t",
        "from healthdeck_client.caller import Caller, segment",
        "from healthdeck_client.download import Download\n",
        "",
        "class Operations(Caller):",
        '    """Raises HealthdeckError, in its kinds, for what is not answered as it should be."""',
    ]
    for method in document.methods:
        lines += ["", *_method(document, method)]
        if method.listing:
            lines += ["", *_iterator(document, method, method.listing)]
    return "\n".join(lines) + "\n"


def python_type(document: Document, schema: Json, prefix: str = "") -> str:
    """A schema as an annotation; ``prefix`` stands before the names of schemas."""

    def inner(one: Json) -> str:
        return python_type(document, one, prefix)

    if "$ref" in schema:
        return prefix + document.named(schema["$ref"])
    if "enum" in schema:
        return f"Literal[{', '.join(json.dumps(value) for value in schema['enum'])}]"
    if "const" in schema:
        return f"Literal[{json.dumps(schema['const'])}]"
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " | ".join(dict.fromkeys(map(inner, schema[several])))
    kind = schema.get("type")
    if kind == "array":
        return f"list[{inner(schema.get('items', {}))}]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {inner(values) if isinstance(values, dict) else 'Any'}]"
    return _SCALARS.get(str(kind), "Any")


def _typed_dict(document: Document, name: str, schema: Json) -> Iterator[str]:
    required = set(schema.get("required", ()))
    fields = {
        key: kind if key in required else f"NotRequired[{kind}]"
        for key, one in schema.get("properties", {}).items()
        for kind in [python_type(document, one)]
    }
    about = schema.get("description", "")
    yield ""
    if any(keyword.iskeyword(key) for key in fields):
        yield from (f"# {line}" for line in _wrapped(about, 96))
        yield f"{name} = TypedDict("
        yield f'    "{name}",'
        yield "    {"
        yield from (f"        {json.dumps(key)}: {json.dumps(one)}," for key, one in fields.items())
        yield "    },"
        yield ")"
        return
    yield f"class {name}(TypedDict):"
    if about:
        yield from _docstring(about, 1)
        yield ""
    elif not fields:
        yield f'    """{name}."""'
    yield from (f"    {key}: {one}" for key, one in fields.items())


def _method(document: Document, method: Method) -> Iterator[str]:
    answer = _answer_type(document, method)
    yield f"    def {method.name}({', '.join(_arguments(document, method))}) -> {answer}:"
    yield from _docstring(_about(method), 2)
    call = f"self.{_CALLS[method.kind]}({', '.join(_call(method))})"
    if method.kind == "nothing":
        yield f"        {call}"
    elif method.kind == "json" and answer != "Any":
        yield f"        return cast({answer}, {call})"
    else:
        yield f"        return {call}"


def _iterator(document: Document, method: Method, listing: Listing) -> Iterator[str]:
    row = python_type(document, listing.row, "t.")
    kept = [one for one in method.query if one.name != "cursor"]
    name = f"iterate_{method.name.removeprefix('list_')}"
    yield f"    def {name}({', '.join(_arguments(document, method, kept))}) -> Iterator[{row}]:"
    yield from _docstring(f"Every row of {method.name}, page after page as they are needed.", 2)
    yield f"        return cast(Iterator[{row}], self._rows("
    yield f'            "{listing.field}",'
    yield f"            {', '.join(_call(method, kept))},"
    yield "        ))"


def _arguments(
    document: Document, method: Method, query: list[Parameter] | None = None
) -> Iterator[str]:
    asked = list(method.query) if query is None else query
    yield "self"
    yield from (f"{argument(one.name)}: str" for one in method.parts)
    if method.body is not None:
        kind = python_type(document, method.body, "t.")
        yield f"body: {kind}" if method.body_required else f"body: {kind} | None = None"
    yield from (_asked(document, one) for one in asked if one.required)
    if method.keyed or not all(one.required for one in asked):
        yield "*"
    yield from (_asked(document, one) for one in asked if not one.required)
    if method.keyed:
        yield "idempotency_key: str | None = None"


def argument(name: str) -> str:
    """A parameter's name in Python: ``vps_id``, and ``from_`` for a word of the language."""
    text = snake(name)
    return f"{text}_" if keyword.iskeyword(text) else text


def _asked(document: Document, one: Parameter) -> str:
    return f"{argument(one.name)}: {_asked_type(document, one)}"


def _asked_type(document: Document, one: Parameter) -> str:
    schema = one.schema
    if schema.get("type") == "array":
        inner = python_type(document, schema["items"])
        return f"{inner} | Sequence[{inner}] = ()"
    kind = python_type(document, schema)
    if "date-time" in json.dumps(schema):
        kind = kind.replace("str", "datetime | str")
    if one.required:
        return kind
    return f"{kind} = None" if kind.endswith("| None") else f"{kind} | None = None"


def _call(method: Method, query: list[Parameter] | None = None) -> Iterator[str]:
    asked = list(method.query) if query is None else query
    path = method.path
    for one in method.parts:
        path = path.replace(f"{{{one.name}}}", f"{{segment({argument(one.name)})}}")
    if query is None:
        yield f'"{method.verb}"'
    yield f'f"{path}"' if method.parts else f'"{path}"'
    if asked:
        pairs = ", ".join(f'"{one.name}": {argument(one.name)}' for one in asked)
        yield f"{{{pairs}}}"
    if query is not None:
        return
    if method.body is not None:
        yield "body=body"
    if method.keyed:
        yield "key=idempotency_key"
    if method.open or (method.verb == "POST" and not method.keyed):
        yield "once=True"


def _answer_type(document: Document, method: Method) -> str:
    if method.kind == "json":
        return python_type(document, method.answer, "t.")
    return {"text": "str", "nothing": "None", "file": "Download"}[method.kind]


def _about(method: Method) -> str:
    lines = [f"{method.summary}."]
    if method.description:
        lines += ["", method.description]
    told = [one for one in method.query if one.description]
    if told:
        lines += ["", *(f"{argument(one.name)}: {one.description}." for one in told)]
    return "\n".join(lines)


def _docstring(text: str, depth: int) -> Iterator[str]:
    indent = "    " * depth
    first, *rest = [line for part in text.split("\n") for line in _wrapped(part, 96 - 4 * depth)]
    if not rest:
        yield f'{indent}"""{first}"""'
        return
    yield f'{indent}"""{first}'
    yield from (f"{indent}{line}".rstrip() for line in rest)
    yield f'{indent}"""'


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text.replace("\\", "\\\\"), width, break_long_words=False) or [""]
