"""Contacts, groups and rotations in the database: every version that was written in the UI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from models.recipients import AlertConfig

#: Versions that are kept.
_KEPT = 100

#: The secrets of a contact by field, encrypted; those of all by the contact's name.
Sealed = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Kept:
    """What was written last, by whom and when (seconds since the epoch); version 0: nothing was.
    ``spec`` has ``contacts``, ``groups`` and ``onCall`` as the API shows them."""

    version: int = 0
    spec: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    sealed: Sealed = field(default_factory=dict)
    at: float | None = None
    by: str | None = None


def latest(session: Session) -> Kept:
    """What holds."""
    newest = select(AlertConfig).order_by(AlertConfig.version.desc()).limit(1)
    row = session.scalars(newest).first()
    return Kept(row.version, row.spec, row.sealed, row.at, row.by) if row else Kept()


def lock(session: Session) -> None:
    """Nobody else writes a version until this transaction ends. On SQLite there is one writer
    anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE alert_configs IN SHARE ROW EXCLUSIVE MODE"))


def put(session: Session, kept: Kept) -> None:
    """Adds a version. Earlier ones lose their secrets, also encrypted: a secret that was replaced
    or taken away is nowhere any more."""
    session.execute(update(AlertConfig).values(sealed={}))
    session.execute(delete(AlertConfig).where(AlertConfig.version <= kept.version - _KEPT))
    session.add(
        AlertConfig(
            version=kept.version,
            spec=dict(kept.spec),
            sealed={name: dict(fields) for name, fields in kept.sealed.items()},
            at=kept.at,
            by=kept.by,
        )
    )
