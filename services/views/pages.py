"""Pages of lists that are in memory. Pure.

A page goes on after the place of the last row, not after a count, so rows that come, go or move
meanwhile neither repeat nor hide others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.errors import ValidationError
from services.observation import Status
from services.views.model import Body

Value = str | float | None
#: Where a row stands: by its value, then by its id.
Place = tuple[Value, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """``status``, ``q`` (text in names and ids), ``vps_id``, ``tenant_id`` and ``type`` filter;
    ``sort`` names a field, with ``-`` in front for the largest first. ``after`` is the place of
    the last row of the page before."""

    status: str | None = None
    q: str = ""
    vps_id: str | None = None
    tenant_id: str | None = None
    type: str | None = None
    sort: str = "name"
    limit: int = 100
    after: Place | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """``total`` rows pass the filters; ``last`` is the place to go on from, None at the end."""

    rows: list[Body]
    total: int
    last: Place | None


@dataclass(frozen=True, slots=True)
class Kind:
    """What is needed of a row, by its id, each asked for only where it is. ``fields`` gives what
    rows are sorted by."""

    fields: Mapping[str, Callable[[str], Value]]
    status: Callable[[str], Status]
    text: Callable[[str], str]
    body: Callable[[str], Body]


def page(rows: list[str], kind: Kind, wanted: Wanted) -> Page:
    """Of ``rows`` (ids) those that pass the filters, sorted, after the last one of the page
    before. Raises ValidationError for a sort that there is not, and for the cursor of another."""
    field, down = wanted.sort.removeprefix("-"), wanted.sort.startswith("-")
    if field not in kind.fields:
        raise ValidationError(
            f"sort must be one of {', '.join(kind.fields)}, with a - in front for the largest "
            "first."
        )
    if wanted.status is not None:
        rows = [row for row in rows if kind.status(row) == wanted.status]
    if q := wanted.q.casefold():
        rows = [row for row in rows if q in kind.text(row).casefold()]
    # Sorted by ids and then by values, both plain: thousands of pairs to sort by would each time
    # be thousands of objects for the garbage collector.
    value = kind.fields[field]
    values = {row: value(row) for row in sorted(rows, reverse=down)}
    get: Callable[[str], Any] = values.__getitem__
    ordered = sorted((row for row in values if values[row] is not None), key=get, reverse=down)
    # What has no value comes last either way round.
    ordered += sorted(row for row in values if values[row] is None)
    begin = 0
    if (after := wanted.after) is not None:
        behind = (at for at, row in enumerate(ordered) if _behind(values[row], row, after, down))
        begin = next(behind, len(ordered))
    chosen = ordered[begin : begin + wanted.limit]
    more = begin + wanted.limit < len(ordered)
    return Page(
        [kind.body(row) for row in chosen],
        len(ordered),
        (values[chosen[-1]], chosen[-1]) if more and chosen else None,
    )


def _behind(value: Any, id_: str, after: Place, down: bool) -> bool:
    if value is None or after[0] is None:
        return value is None and (after[0] is not None or id_ > after[1])
    if isinstance(value, str) is not isinstance(after[0], str):
        raise ValidationError("cursor belongs to a list that is sorted otherwise.")
    return (value, id_) < after if down else (value, id_) > after
