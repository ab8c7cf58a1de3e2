"""``/api/admin/silences``: for a while nobody is told of alerts that fit."""

from __future__ import annotations

from typing import Any

from flask import g

from services.alerts.quiet.specs import NewSilence, SilenceMatcher
from services.container import acting, current
from services.web.rest import cursors
from services.web.rest.maintenance import State, StateQuery, place
from services.web.rest.operation import Answer, Routes

PREFIX = "/api/admin/silences"
routes = Routes("Quiet")


class Silence(Answer):
    id: str
    comment: str
    state: State
    matchers: list[SilenceMatcher]
    starts_at: str
    ends_at: str
    created_at: str
    created_by: str


class Silences(Answer):
    silences: list[Silence]
    next_cursor: str | None


@routes.get(PREFIX, query=StateQuery, answer=Silences)
def list_silences(query: StateQuery) -> dict[str, Any]:
    """Silences, the newest first; those that are over stay listed.

    Limited callers get what is within their tenants."""
    after = place("silences", query.cursor)
    found, last = current().quiet.list_silences(g.principal.scope, query.state, after, query.limit)
    return {"silences": found, "nextCursor": cursors.pack("silences", last) if last else None}


@routes.post(PREFIX, body=NewSilence, answer=Silence, status=201, errors=(404,))
def add_silence(body: NewSilence) -> dict[str, Any]:
    """Silence the alerts that all matchers fit, from startsAt (now) to endsAt or for so many
    minutes.

    Limited callers match a tenant of theirs."""
    return current().quiet.add_silence(body, g.principal.scope, acting())


@routes.get(f"{PREFIX}/<silence_id>", answer=Silence)
def get_silence(silence_id: str) -> dict[str, Any]:
    """One silence."""
    return current().quiet.silence(silence_id, g.principal.scope)


@routes.delete(f"{PREFIX}/<silence_id>", errors=(409,))
def end_silence(silence_id: str) -> None:
    """End a silence now.

    It stays listed among those that ended. 409 for one that is over."""
    current().quiet.end_silence(silence_id, g.principal.scope, acting())
