"""The rows of what is watched: a fleet's keys in the ``targets`` table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.targets import TargetRow
from services.inventory import members
from services.inventory.fleet import Fleet
from services.observation import PLATFORM, Kind, kind_of

#: Ids in one statement; SQLite takes some 32,000 parameters at most.
_CHUNK = 5000


def sync(session: Session, fleet: Fleet, now: float) -> dict[str, int]:
    """Makes the table hold every target of ``fleet`` and the platform; returns the id of each
    key that it has ever held.

    What left the inventory gets ``removed_at`` and keeps its row, what returned loses it. A
    dependency is discovered at run time: it leaves with its service and returns with it. What
    tenants are judged by is remembered with it. Two processes may do this at once. ``now``:
    seconds since the epoch.
    """
    wanted = dict.fromkeys([*fleet.keys(), PLATFORM])
    rows = _rows(session)
    members.remember(session, fleet, {key for key, (_, at) in rows.items() if at is None}, now)
    missing = [{"key": key, "kind": str(kind_of(key))} for key in wanted if key not in rows]
    if missing:
        session.execute(_insert(session), missing)
    removed = {key: at for key, (_, at) in rows.items()}
    left = [id_ for key, (id_, at) in rows.items() if at is None and _service(key) not in wanted]
    back = [
        id_
        for key, (id_, at) in rows.items()
        if at is not None and _service(key) in wanted and at == removed.get(_service(key))
    ]
    for ids, at in ((left, now), (back, None)):
        for chunk in _chunks(ids):
            statement = update(TargetRow).where(TargetRow.id.in_(chunk)).values(removed_at=at)
            session.execute(statement, execution_options={"synchronize_session": False})
    return {key: id_ for key, (id_, _) in (_rows(session) if missing else rows).items()}


def _rows(session: Session) -> dict[str, tuple[int, float | None]]:
    found = session.execute(select(TargetRow.key, TargetRow.id, TargetRow.removed_at))
    return {key: (id_, removed_at) for key, id_, removed_at in found}


def _service(key: str) -> str:
    """The target on which a key's presence depends: of a dependency its service, else itself."""
    return key.rpartition("/")[0] if kind_of(key) is Kind.DEPENDENCY else key


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[at : at + _CHUNK] for at in range(0, len(ids), _CHUNK))


def _insert(session: Session) -> postgresql.Insert | sqlite.Insert:
    """An insert that leaves alone what another process has inserted meanwhile."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(TargetRow).on_conflict_do_nothing(index_elements=["key"])
    return sqlite.insert(TargetRow).on_conflict_do_nothing(index_elements=["key"])
