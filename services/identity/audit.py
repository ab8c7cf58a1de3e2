"""Who did what, when and from where: kept with the change itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from models.audit import AuditRow


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
