"""Notes that are made and taken away on the metrics page, by the rules of the API's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.errors import ValidationError
from services.events import Bus
from services.history import notes
from services.history.notes import Note, Reading
from services.identity import Scope
from services.identity.audit import Actor
from services.views.history import Past
from services.views.metrics_asked import FIRST, LAST

#: Characters of a note at most.
_TEXT = 2000


def new_note(sent: Mapping[str, Any]) -> Note:
    """A note from what a browser sent: ``at`` (seconds since the epoch), ``text``, ``kind`` and
    ``about`` (``vps:ID``, ``tenant:ID`` or nothing). Raises ValidationError."""
    at, text, about = sent.get("at"), sent.get("text"), sent.get("about") or ""
    if not isinstance(at, int | float) or isinstance(at, bool) or not FIRST <= at <= LAST:
        raise ValidationError("Choose the time that the note belongs to.")
    if not isinstance(text, str) or not 0 < len(text.strip()) <= _TEXT:
        raise ValidationError(f"Write what happened, in 1 to {_TEXT} characters.")
    if sent.get("kind") not in notes.KINDS:
        raise ValidationError(f"The kind of a note is one of {', '.join(notes.KINDS)}.")
    kind, _, id_ = about.partition(":") if isinstance(about, str) else ("", "", "")
    return Note(
        float(at), None, str(sent["kind"]), text.strip(),
        id_ if kind == "vps" and id_ else None,
        id_ if kind == "tenant" and id_ else None,
        (),
    )  # fmt: skip


def add_note(past: Past, bus: Bus, note: Note, scope: Scope, actor: Actor, now: float) -> None:
    """Notes something, as POST /api/admin/annotations does, with its errors."""
    notes.add(past.database, bus, note, Reading.of(past.fleet, scope), actor, now)


def delete_note(past: Past, id_: object, scope: Scope, actor: Actor, now: float) -> None:
    """Takes a note away, as DELETE /api/admin/annotations does, with its errors."""
    notes.delete(past.database, str(id_)[:36], Reading.of(past.fleet, scope), actor, now)
