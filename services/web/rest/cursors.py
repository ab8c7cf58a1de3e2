"""Opaque cursors: where the next page of a list goes on."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

from pydantic import Field

from services.errors import ValidationError
from services.web.rest.operation import Query

MOST = 500


class PageQuery(Query):
    """What a list takes that comes in pages."""

    limit: int = Field(100, ge=1, le=MOST, description="rows of a page")
    cursor: str | None = Field(
        None, max_length=1500, description="nextCursor of the page before; nothing else"
    )


def pack(of: str, place: tuple[str | float | None, ...]) -> str:
    """A cursor into the list ``of``, after the row at ``place``."""
    text = json.dumps([of, *place], separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unpack(of: str, cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The place that ``pack`` was given, whose parts are of these kinds (float also allows whole
    numbers). Raises ValidationError for anything that is no cursor into this list."""
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        found = json.loads(data.decode(), parse_constant=_refuse)
    except (ValueError, binascii.Error, RecursionError):
        _refuse()
    if not isinstance(found, list) or len(found) != len(kinds) + 1 or found[0] != of:
        _refuse()
    return tuple(_part(kind, part) for kind, part in zip(kinds, found[1:], strict=True))


def number(of: str, cursor: str | None) -> int:
    """The place of a list that is ordered by whole numbers; 0 without a cursor. Raises
    ValidationError."""
    if cursor is None:
        return 0
    (found,) = unpack(of, cursor, float)
    return int(found) if 0 <= found < 2**53 else _refuse()


def numbered(
    of: str, query: PageQuery, read: Callable[[int, int], list[dict[str, Any]]]
) -> dict[str, Any]:
    """A page of the list ``of``, which is ordered by ids that are whole numbers: ``read`` gives
    the rows after an id, so many at most. Raises ValidationError."""
    found = read(number(of, query.cursor), query.limit + 1)
    rows = found[: query.limit]
    more = len(found) > query.limit
    return {of: rows, "nextCursor": pack(of, (int(rows[-1]["id"]),)) if more else None}


def _part(kind: type, part: object) -> Any:
    if kind is float and type(part) in (int, float):
        try:
            value = float(part)  # type: ignore[arg-type]
        except OverflowError:
            _refuse()
        return value if math.isfinite(value) else _refuse()
    if kind is str and type(part) is str and "\0" not in part and _is_text(part):
        return part
    if kind is object and (part is None or type(part) in (int, float, str)):
        return _part(str if type(part) is str else float, part) if part is not None else None
    return _refuse()


def _is_text(part: str) -> bool:
    try:
        part.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(_constant: str = "") -> NoReturn:
    raise ValidationError(
        "cursor must be the nextCursor of an earlier page of the same list with the same sort."
    )
