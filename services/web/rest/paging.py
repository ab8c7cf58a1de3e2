"""Lists that are told part by part: ``limit``, and a ``cursor`` that only we understand."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from services.errors import ValidationError
from services.web.rest.operation import Query


class Part(Query):
    limit: int = Field(100, ge=1, le=500, description="at most so many")
    cursor: str | None = Field(
        None, max_length=500, description="nextCursor of the part before; without it the first"
    )


def cursor(*place: float) -> str:
    """Text for a place in a list: where the next part begins."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def place(text: str | None, *first: float) -> tuple[float, ...]:
    """What ``cursor`` was made of; ``first`` when there is none. Raises ValidationError for what we
    did not make."""
    if text is None:
        return first
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    if (
        not isinstance(found, list)
        or len(found) != len(first)
        or not all(type(one) in (int, float) and 0 <= one < 2**53 for one in found)
    ):
        raise ValidationError("cursor is not one that this list gave; begin without it.")
    return tuple(found)


def split(rows: Sequence[dict[str, Any]], limit: int) -> tuple[Sequence[dict[str, Any]], bool]:
    """The first ``limit`` of the rows, and whether there are more."""
    return rows[:limit], len(rows) > limit
