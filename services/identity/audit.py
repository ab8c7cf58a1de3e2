"""Who did what, when and from where: kept with the change itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from models.audit import AuditRow
from models.database import Database


@dataclass(frozen=True, slots=True)
class Actor:
    """``name`` of who acts, and the ``address`` that the request came from (empty: the command
    line)."""

    name: str
    address: str = ""


def audit(
    session: Session,
    actor: Actor,
    action: str,
    target: str,
    at: float,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Notes an action in the transaction that carries it out. ``target`` is the key of what was
    acted on, ``at`` seconds since the epoch."""
    session.add(
        AuditRow(
            at=at,
            who=actor.name[:100],
            action=action,
            target=target,
            address=actor.address[:100],
            detail=dict(detail or {}),
        )
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: each field that is not None must be so; ``since`` and ``until`` are seconds since
    the epoch."""

    who: str | None = None
    action: str | None = None
    target: str | None = None
    since: float | None = None
    until: float | None = None


def audited(
    database: Database, wanted: Wanted, before: tuple[float, int] | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """What was done, newest first; ``before`` is (at, id) of the last one that is known."""
    query = select(AuditRow).order_by(AuditRow.at.desc(), AuditRow.id.desc()).limit(limit)
    for column, value in (
        (AuditRow.who, wanted.who),
        (AuditRow.action, wanted.action),
        (AuditRow.target, wanted.target),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(AuditRow.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditRow.at <= wanted.until)
    if before is not None:
        query = query.where(tuple_(AuditRow.at, AuditRow.id) < before)
    with database.read() as session:
        return [
            {
                "id": str(row.id),
                "at": row.at,
                "who": row.who,
                "action": row.action,
                "target": row.target,
                "address": row.address,
                "detail": row.detail,
            }
            for row in session.scalars(query)
        ]
