"""What was sent, or was not, and why: notifications as a list, newest first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from models.alerts import AlertRow
from models.notifications import NotificationRow as Row

#: Where a list goes on: when the last row was written, and its id.
Place = tuple[float, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: of each field that is not empty one value must fit; ``since`` and ``until`` are
    seconds since the epoch."""

    statuses: Collection[str] = ()
    channels: Collection[str] = ()
    events: Collection[str] = ()
    recipient: str | None = None
    alert_id: str | None = None
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """``rows`` of a list; ``together``: the ids of their messages that tell of several rows;
    ``last``: the place of the last row when there are more."""

    rows: Sequence[Row]
    together: frozenset[str] = frozenset()
    last: Place | None = None


def listed(
    session: Session,
    wanted: Wanted,
    limit: int,
    after: Place | None = None,
    sees: Callable[[str], bool] | None = None,
) -> Page:
    """At most ``limit`` rows after a place.

    ``sees`` says whether the caller may know of an alert's target: then there are the messages
    about such alerts alone. A message about no alert may name anybody."""
    query = _query(wanted, after)
    if sees is not None:
        targets = session.scalars(select(AlertRow.target).distinct())
        known = [target for target in targets if sees(target)]
        if not known:
            return Page(())
        query = query.join(AlertRow, AlertRow.id == Row.alert_id).where(AlertRow.target.in_(known))
    # First from the index alone: rows carry whole messages.
    ids = session.scalars(query.limit(limit + 1)).all()
    found = {row.id: row for row in session.scalars(select(Row).where(Row.id.in_(ids[:limit])))}
    # What was deleted in between is left out.
    rows = [found[id_] for id_ in ids[:limit] if id_ in found]
    more = len(ids) > limit and rows
    last = (rows[-1].created_at, rows[-1].id) if more else None
    return Page(rows, _together(session, rows), last)


def _together(session: Session, rows: Sequence[Row]) -> frozenset[str]:
    ids = {row.batch for row in rows if row.batch is not None}
    several = select(Row.batch).where(Row.batch.in_(ids)).group_by(Row.batch)
    found = session.scalars(several.having(func.count() > 1)) if ids else ()
    return frozenset(id_ for id_ in found if id_)


def _query(wanted: Wanted, after: Place | None) -> Select[str]:
    query = select(Row.id).order_by(Row.created_at.desc(), Row.id.desc())
    for column, values in (
        (Row.status, wanted.statuses),
        (Row.channel, wanted.channels),
        (Row.event, wanted.events),
    ):
        if values:
            query = query.where(column.in_(values))
    if wanted.recipient is not None:
        query = query.where(Row.recipient == wanted.recipient)
    if wanted.alert_id is not None:
        query = query.where(Row.alert_id == wanted.alert_id)
    if wanted.since is not None:
        query = query.where(Row.created_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Row.created_at <= wanted.until)
    if after is not None:
        query = query.where(tuple_(Row.created_at, Row.id) < after)
    return query
