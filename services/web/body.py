"""Reading a request's JSON so that nothing odd gets past this door."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel
from pydantic import ValidationError as ModelError

from services.errors import ValidationError

MAX_DEPTH = 64
MAX_PROBLEMS = 10

Model = TypeVar("Model", bound=BaseModel)


def read_object(*, optional: bool = False) -> dict[str, Any]:
    """The JSON object that was sent; ``optional``: nothing sent means an empty one. Raises
    ValidationError, also for JSON that Python accepts and others do not (NaN, 1e999), for text
    that no database stores (NUL, half a surrogate pair) and for nesting that exhausts a stack."""
    data = request.get_data(cache=True)
    if not data and optional:
        return {}
    if not request.is_json:
        raise ValidationError("The body must be JSON, with Content-Type: application/json.")
    value = parse(data.decode("utf-8", "surrogateescape"))
    if not isinstance(value, dict):
        raise ValidationError("The body must be a JSON object.")
    return value


def parse(text: str) -> Any:
    """The value of a JSON text. Raises ValidationError as read_object says."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ValidationError("The body is not valid JSON.") from None
    _refuse_what_is_odd(value)
    return value


def check(model: type[Model], value: object) -> Model:
    """The value as a model. Raises ValidationError with a line for each field that is wrong."""
    try:
        return model.model_validate(value)
    except ModelError as error:
        raise ValidationError("The body is not as it should be.", problems(error)) from None


def problems(error: ModelError) -> Sequence[dict[str, str]]:
    """Where and what, without the values: they may be secrets, or huge."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        {"field": ".".join(map(str, item["loc"]))[:200], "problem": item["msg"]}
        for item in found[:MAX_PROBLEMS]
    ]


def _refuse_what_is_odd(value: object) -> None:
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for item in level:
            if isinstance(item, str):
                _refuse_odd_text(item)
            elif isinstance(item, float) and not math.isfinite(item):
                raise ValidationError("The body holds a number that JSON does not have.")
            elif isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                below += item
        if not below:
            return
        level = below
    raise ValidationError(f"The body is nested more than {MAX_DEPTH} levels deep.")


def _refuse_odd_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValidationError("The body holds text that is not valid Unicode.") from None
    if "\0" in text:
        raise ValidationError("The body holds a NUL character.")
