"""What a new process goes on from: the stored judgements, and when each target was last seen."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.targets import HostSample, TargetRow
from services.health.status import Judgement, out_of_touch
from services.history import query
from services.inventory.fleet import Fleet


def go_on(session: Session, fleet: Fleet) -> dict[str, Judgement]:
    """The latest judgement of every target that is watched or known of.

    A judgement is stored when it changes, so what is stored of a target that was well for days
    says "last seen" days ago. Whatever was in touch when the process before ended had been seen
    until then, give or take an interval; that moment is told by the last reading of this machine
    itself. What was out of touch was stored when it fell silent, so of it the stored moment is
    the right one, and a restart must not make it younger. What is paused nobody looked at.
    """
    states = query.states(session)
    until = _last_reading(session, fleet.local)
    return {
        key: state
        if until is None or _is_exact(state) or not fleet.enabled(key)
        else replace(state, seen_at=max(state.seen_at, until))
        for key, state in states.items()
    }


def _is_exact(state: Judgement) -> bool:
    """Whether the stored moment is that of the latest look: so it is of what is about to change,
    and of what was out of touch."""
    return out_of_touch(state) or state.candidate is not state.status


def _last_reading(session: Session, vps_id: str) -> float | None:
    """When a machine was last read, in seconds since the epoch."""
    at = session.scalar(
        select(func.max(HostSample.at))
        .join(TargetRow, TargetRow.id == HostSample.target_id)
        .where(TargetRow.key == vps_id)
    )
    return None if at is None else float(at)
