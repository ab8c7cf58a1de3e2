"""How far each agent's streams are stored, kept in the transaction of the readings themselves:
whatever is interrupted, a reading is stored once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from models.agents import Agent, AgentStream
from services.collect.reports import Report
from services.history import bulk
from services.observation import Observation

_COLUMNS = ("vps_id", "stream", "last_seq", "seen_at")
# Made once: building them takes longer than SQLite needs to answer.
_STREAMS, _AGENTS = AgentStream.__table__.c, Agent.__table__.c
#: How far streams are, and what their agents said of themselves.
_FIND = (
    select(_STREAMS.vps_id, _STREAMS.stream, _STREAMS.last_seq, _AGENTS.version, _AGENTS.allows)
    .outerjoin(Agent.__table__, _AGENTS.vps_id == _STREAMS.vps_id)
    .where(_STREAMS.vps_id.in_(bindparam("of", expanding=True)))
    .where(_STREAMS.stream.in_(bindparam("streams", expanding=True)))
    .order_by(_STREAMS.vps_id, _STREAMS.stream)
    .with_for_update(of=AgentStream.__table__)
)
_NOTE = (
    update(Agent.__table__)  # type: ignore[arg-type]
    .where(_AGENTS.vps_id == bindparam("of"))
    .values(version=bindparam("said_version"), allows=bindparam("said_allows"))
)

_Stream = tuple[str, str]
_Said = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Known:
    """A stream as it is stored. ``said``: what its agent said of itself; None without one."""

    last: int
    said: _Said | None


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
    known = _locked(session, streams)
    last = {stream: found.last for stream, found in known.items()}
    seen: dict[_Stream, float] = {}
    said: dict[str, _Said] = {}
    taken = []
    for report in reports:
        stream = (report.vps_id, report.stream)
        before = last[stream]
        fresh = tuple(found for seq, found in report.readings if seq > before)
        last[stream] = max(before, report.highest)
        seen[stream] = report.received_at
        said[report.vps_id] = (report.agent, report.allows)
        taken.append(Taken(fresh, len(report.readings) - len(fresh), last[stream]))
    rows = [(*stream, last[stream], seen[stream]) for stream in streams]
    bulk.insert(session, AgentStream, _COLUMNS, rows, "UPDATE")
    stored = {vps_id: found.said for (vps_id, _), found in known.items()}
    news = [
        {"of": vps_id, "said_version": version, "said_allows": list(allows)}
        for vps_id, (version, allows) in said.items()
        if stored[vps_id] not in (None, (version, allows))
    ]
    if news:
        session.connection().execute(_NOTE, news)
    return taken


def forget(session: Session, before: float) -> None:
    """Forgets the streams not heard of since ``before`` (seconds since the epoch). Harmless once
    readings of that age are no longer taken."""
    session.execute(delete(AgentStream).where(AgentStream.seen_at < before))


def _locked(session: Session, streams: Sequence[_Stream]) -> dict[_Stream, _Known]:
    found = _rows(session, streams)
    if missing := [stream for stream in streams if stream not in found]:
        # Of two processes that meet a new stream at once, the second waits here.
        bulk.insert(session, AgentStream, _COLUMNS, [(*stream, 0, 0.0) for stream in missing])
        found |= _rows(session, missing)
    return found


def _rows(session: Session, streams: Iterable[_Stream]) -> dict[_Stream, _Known]:
    wanted = set(streams)
    given = {"of": [vps_id for vps_id, _ in wanted], "streams": [stream for _, stream in wanted]}
    rows = session.connection().execute(_FIND, given).all()
    return {
        (vps_id, stream): _Known(last, None if version is None else (version, tuple(allows)))
        for vps_id, stream, last, version, allows in rows
        if (vps_id, stream) in wanted
    }
