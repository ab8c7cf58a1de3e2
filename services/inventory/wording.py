"""What pydantic finds wrong with an inventory, in the words of those who write one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic_core import ErrorDetails

from services.inventory.near import nearest as nearest
from services.inventory.schema import Inventory
from services.inventory.tree import Node

Path = Sequence[str | int]

_LONGEST = 62
_LOGIN = re.compile(r"//.*@(?=[^@]*')", re.DOTALL)
_NEEDS: Mapping[str, str] = {
    "string_type": "text; put it in quotes",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list, such as [a, b], or [] for none",
}
_LIMITS: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def explain(error: ErrorDetails, node: Node) -> str:
    """One line on an error whose place in the file is ``node``."""
    kind, path, context = error["type"], error["loc"], error.get("ctx", {})
    if kind == "missing":
        return f"needs a '{path[-1]}'"
    if kind == "extra_forbidden":
        return f"there is no such field; {nearest(str(path[-1]), fields_at(path[:-1]))}"
    if kind in ("model_type", "model_attributes_type"):
        return f"needs fields below it: {', '.join(fields_at(path))}"
    if kind == "value_error":
        return str(context["error"])
    return f"{_value(path, node)} {_wrong(kind, context, str(error['msg']))}"


def _wrong(kind: str, context: Mapping[str, Any], said: str) -> str:
    if kind in _NEEDS:
        return f"is not {_NEEDS[kind]}"
    if kind in _LIMITS:
        words, limit = _LIMITS[kind]
        return f"is out of range; it must be {words} {context[limit]:g}"
    if kind in ("literal_error", "enum"):
        return f"is not known here; known: {str(context['expected']).replace(' or ', ', ')}"
    if kind == "string_pattern_mismatch":
        return (
            "does not fit; use lower-case letters, digits, '.', '_' and '-', "
            "and begin with a letter or digit"
        )
    if kind == "string_too_short":
        return "is empty; write something or leave the field out"
    if kind in ("string_too_long", "too_long"):
        return f"is too long; at most {context['max_length']} fit"
    return f"does not fit: {said}"


def _value(path: Path, node: Node) -> str:
    """A scalar as it was written, so with the name of a variable and not its value."""
    if node.raw is None or _is_secret(path):
        return "this"
    text = without_login(f"'{node.raw}'")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}...'"


def without_login(text: str) -> str:
    """A message in which no address shows its user and password. A password may hold any
    character, so all up to the last ``@`` of what is quoted goes."""
    return _LOGIN.sub("//***@", text)


def _is_secret(path: Path) -> bool:
    models: list[type[BaseModel]] = [Inventory]
    for part in (part for part in path if isinstance(part, str)):
        for model in models:
            for name, field in model.model_fields.items():
                if part in (name, field.alias) and _holds(field.annotation, SecretStr):
                    return True
        models = list(_below(models, part))
    return False


def _holds(annotation: Any, type_: type) -> bool:
    return annotation is type_ or any(_holds(inner, type_) for inner in get_args(annotation))


def fields_at(path: Path) -> list[str]:
    """The names of the fields that may stand below ``path``, as they are written."""
    models: list[type[BaseModel]] = [Inventory]
    for part in path:
        if isinstance(part, str):
            models = list(_below(models, part))
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def _below(models: Iterable[type[BaseModel]], part: str) -> Iterable[type[BaseModel]]:
    for model in models:
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                yield from _models(field.annotation)
            elif name == "type" and part in get_args(field.annotation):
                yield model  # of several kinds of check, the one that was chosen


def _models(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
