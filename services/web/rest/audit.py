"""``/api/admin/audit``: who did what, when and from where."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from services.container import current
from services.identity.audit import Wanted, audited
from services.times import iso
from services.web.rest import cursors
from services.web.rest.operation import Answer, Routes
from services.web.rest.ranges import Moment

routes = Routes("Identity")

#: No database keeps a NUL, and asking for one fails.
TEXT = r"^[^\x00]*$"


class AuditQuery(cursors.PageQuery):
    who: str | None = Field(
        None, max_length=100, pattern=TEXT, description="the name of who did it"
    )
    action: str | None = Field(
        None, max_length=50, pattern=TEXT, description="as in the answer, such as user.create"
    )
    target: str | None = Field(
        None, max_length=320, pattern=TEXT, description="what it was done to"
    )
    since: Moment | None = Field(
        None, alias="from", description="not before; ISO 8601 with its zone"
    )
    until: Moment | None = Field(None, alias="to", description="not after; ISO 8601 with its zone")


class Entry(Answer):
    """``address`` is empty for the command line."""

    id: str
    at: str
    who: str
    action: str
    target: str
    address: str
    detail: dict[str, Any]


class Audit(Answer):
    entries: tuple[Entry, ...]
    next_cursor: str | None


@routes.get("/api/admin/audit", who="chief", query=AuditQuery, answer=Audit)
def list_audit(query: AuditQuery) -> dict[str, Any]:
    """What was done, newest first."""
    wanted = Wanted(
        query.who, query.action, query.target, _moment(query.since), _moment(query.until)
    )
    before = None
    if query.cursor is not None:
        at, id_ = cursors.unpack("audit", query.cursor, float, float)
        before = (at, min(int(id_), 2**53))
    found = audited(current().database, wanted, before, query.limit + 1)
    entries, more = found[: query.limit], len(found) > query.limit
    following = cursors.pack("audit", (entries[-1]["at"], int(entries[-1]["id"]))) if more else None
    told = [{**entry, "at": iso(entry["at"])} for entry in entries]
    return {"entries": told, "nextCursor": following}


def _moment(given: datetime | None) -> float | None:
    return None if given is None else given.timestamp()
