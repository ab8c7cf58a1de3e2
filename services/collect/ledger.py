"""How far each agent's streams are stored, kept in the transaction of the readings themselves:
whatever is interrupted, a reading is stored once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.agents import Agent, AgentStream
from services.collect.reports import Report
from services.history import bulk
from services.observation import Observation

_COLUMNS = ("vps_id", "stream", "last_seq", "seen_at")

_Stream = tuple[str, str]
_Said = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a report: the readings that are new, how many we had already, and the
    number up to which its stream has now been dealt with."""

    observations: tuple[Observation, ...]
    duplicates: int
    accepted: int


def store(session: Session, reports: Sequence[Report]) -> list[Taken]:
    """What is new in each report, in their order. The streams advance in the caller's
    transaction, which must store the readings too; other processes' reports of the same streams
    wait for it. May be called again with the same reports after a rollback."""
    if not reports:
        return []
    streams = sorted({(one.vps_id, one.stream) for one in reports})
    last = _locked(session, streams)
    seen: dict[_Stream, float] = {}
    taken = []
    for report in reports:
        stream = (report.vps_id, report.stream)
        known = last[stream]
        fresh = tuple(found for seq, found in report.readings if seq > known)
        last[stream] = max(known, report.highest)
        seen[stream] = report.received_at
        taken.append(Taken(fresh, len(report.readings) - len(fresh), last[stream]))
    rows = [(*stream, last[stream], seen[stream]) for stream in streams]
    bulk.insert(session, AgentStream, _COLUMNS, rows, "UPDATE")
    _note(session, {one.vps_id: (one.agent, one.allows) for one in reports})
    return taken


def forget(session: Session, before: float) -> None:
    """Forgets the streams not heard of since ``before`` (seconds since the epoch). Harmless once
    readings of that age are no longer taken."""
    session.execute(delete(AgentStream).where(AgentStream.seen_at < before))


def _locked(session: Session, streams: Sequence[_Stream]) -> dict[_Stream, int]:
    found = _rows(session, streams)
    if missing := [stream for stream in streams if stream not in found]:
        # Of two processes that meet a new stream at once, the second waits here.
        bulk.insert(session, AgentStream, _COLUMNS, [(*stream, 0, 0.0) for stream in missing])
        found |= _rows(session, missing)
    return found


def _note(session: Session, said: Mapping[str, _Said]) -> None:
    """Keeps what agents say of themselves, when that is not what they said before."""
    query = select(Agent.vps_id, Agent.version, Agent.allows).where(Agent.vps_id.in_(said))
    for vps_id, version, allows in session.execute(query).all():
        if said[vps_id] != (version, tuple(allows)):
            values = dict(zip(("version", "allows"), said[vps_id], strict=True))
            session.execute(update(Agent).where(Agent.vps_id == vps_id).values(values))


def _rows(session: Session, streams: Iterable[_Stream]) -> dict[_Stream, int]:
    wanted = set(streams)
    query = (
        select(AgentStream.vps_id, AgentStream.stream, AgentStream.last_seq)
        .where(AgentStream.vps_id.in_({vps_id for vps_id, _ in wanted}))
        .where(AgentStream.stream.in_({stream for _, stream in wanted}))
        .order_by(AgentStream.vps_id, AgentStream.stream)
        .with_for_update()
    )
    rows = session.execute(query).all()
    return {(v, s): seq for v, s, seq in rows if (v, s) in wanted}
