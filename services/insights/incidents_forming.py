"""Forms incidents out of stored alerts, behind the back of the engine: what is committed is found,
whenever this runs, so a kill costs nothing."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence

import structlog
from sqlalchemy import or_, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.alerts import AlertRow
from models.database import Database
from models.incidents import IncidentAlert, IncidentNote, IncidentProgress, IncidentRow
from services.events import AlertChanged, Event
from services.health.graph import Graph
from services.insights.incidents_grouping import WINDOW, Group, Grouping, Member, Places
from services.inventory.fleet import Fleet

log = structlog.get_logger(__name__)

#: Alerts of one transaction.
BATCH = 500
#: Seconds that one run may take; the next goes on.
BUDGET = 1.0
#: Seconds after which it looks although nothing was said to have changed.
EVERY = 60.0

_MEMBER = (
    AlertRow.id, AlertRow.target, AlertRow.caused_by, AlertRow.title, AlertRow.severity,
    AlertRow.triggered_at, AlertRow.resolved_at,
)  # fmt: skip
_RANK = {"info": 0, "warning": 1, "critical": 2}


class Former:
    """``notice`` hears of alerts, ``look`` does what is due; one thread looks at a time."""

    def __init__(
        self,
        database: Database,
        fleet: Callable[[], Fleet],
        graph: Callable[[], Graph],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._fleet = fleet
        self._graph = graph
        self._monotonic = monotonic
        self._changed = threading.Event()
        self._changed.set()
        self._looked = -EVERY
        self._lock = threading.Lock()
        self._places: tuple[Graph, Places] | None = None

    def notice(self, event: Event) -> None:
        """Some alert is another than before."""
        if isinstance(event, AlertChanged):
            self._changed.set()

    def look(self) -> None:
        """Forms what is new and brings the rest up to date. Costs nothing when nothing changed."""
        began = self._monotonic()
        if not self._changed.is_set() and began - self._looked < EVERY:
            return
        with self._lock:
            self._changed.clear()
            try:
                while self._form():
                    if self._monotonic() - began > BUDGET:
                        self._changed.set()
                        return
                self._looked = began
            except Exception:
                self._changed.set()
                raise

    def _form(self) -> bool:
        """One batch; whether there may be more."""
        with self._database.read() as session:
            progress = session.get(IncidentProgress, 1)
            after = (progress.at, progress.alert_id) if progress else None
            fresh = _fresh(session, after)
            missed = _missed(session, {member.id for member in fresh})
            open_ids = _open(session)
            members = sorted([*missed, *fresh], key=lambda one: (one.fired, one.id))
            groups = _groups(session, members)
        if not members and not open_ids:
            return False
        touched, moved, merged = self._grouped(members, groups)
        with self._database.write() as session:
            self._write(session, touched, moved, merged)
            if fresh:
                _note_progress(session, fresh[-1])
            self._refresh(session, {*touched, *open_ids} - merged.keys())
        return len(fresh) == BATCH

    def _grouped(
        self, members: Sequence[Member], groups: Iterable[Group]
    ) -> tuple[dict[str, Group], dict[str, str], dict[str, str]]:
        """The incidents that changed, of each alert the one that it is now in, and of each
        incident that became a part of another that other."""
        graph = self._graph()
        if self._places is None or self._places[0] is not graph:
            self._places = graph, Places(graph)
        grouping = Grouping(self._places[1], groups)
        touched: dict[str, Group] = {}
        moved: dict[str, str] = {}
        merged: dict[str, str] = {}
        for member in members:
            group, others = grouping.place(member)
            touched[group.id] = group
            moved[member.id] = group.id
            for other in others:
                touched.pop(other.id, None)
                merged[other.id] = group.id
                moved |= {one.id: group.id for one in other.members}
        return touched, moved, merged

    def _write(
        self,
        session: Session,
        touched: dict[str, Group],
        moved: dict[str, str],
        merged: dict[str, str],
    ) -> None:
        fleet = self._fleet()
        known = set(_chunked(session, IncidentRow.id, [*touched, *merged]))
        session.add_all(_row(group, fleet) for group in touched.values() if group.id not in known)
        session.flush()
        for group in touched.values():
            if group.id in known:
                changed = update(IncidentRow).where(IncidentRow.id == group.id)
                session.execute(changed.values(root=group.root, title=_title(group, fleet)))
        there = set(_chunked(session, IncidentAlert.alert_id, list(moved)))
        session.add_all(
            IncidentAlert(alert_id=alert_id, incident_id=incident_id)
            for alert_id, incident_id in moved.items()
            if alert_id not in there
        )
        session.flush()
        for alert_id in there:
            mine = update(IncidentAlert).where(IncidentAlert.alert_id == alert_id)
            session.execute(mine.values(incident_id=moved[alert_id]))
        for gone in merged.keys() & known:
            into = merged[gone]
            while into in merged:
                into = merged[into]
            notes = update(IncidentNote).where(IncidentNote.incident_id == gone)
            session.execute(notes.values(incident_id=into))
            earlier = update(IncidentRow).where(
                or_(IncidentRow.id == gone, IncidentRow.merged_into == gone)
            )
            session.execute(earlier.values(merged_into=into))

    def _refresh(self, session: Session, ids: Collection[str]) -> None:
        """Brings what is stored of incidents in line with their alerts."""
        alerts: dict[str, list[AlertRow]] = defaultdict(list)
        rows: dict[str, IncidentRow] = {}
        for chunk in _chunks(sorted(ids)):
            rows |= {r.id: r for r in session.scalars(
                select(IncidentRow).where(IncidentRow.id.in_(chunk)))}  # fmt: skip
            found = session.execute(
                select(IncidentAlert.incident_id, AlertRow)
                .join(AlertRow, AlertRow.id == IncidentAlert.alert_id)
                .where(IncidentAlert.incident_id.in_(chunk))
            )
            for incident_id, alert in found:
                alerts[incident_id].append(alert)
        for incident_id, row in rows.items():
            if own := alerts[incident_id]:
                row.severity, row.status = severity_of(own), status_of(own)
                row.started_at = min(alert.triggered_at for alert in own)
                row.resolved_at = resolved_at(own)


def severity_of(alerts: Sequence[AlertRow]) -> str:
    """The worst of some alerts."""
    return max((alert.severity for alert in alerts), key=lambda name: _RANK.get(name, 0))


def status_of(alerts: Sequence[AlertRow]) -> str:
    """``resolved`` when all are; ``active`` while nobody has taken on one that nothing else
    explains; else ``acknowledged``."""
    standing = [alert for alert in alerts if alert.resolved_at is None]
    if not standing:
        return "resolved"
    free = [alert for alert in standing if alert.suppressed_by is None] or standing
    return "active" if any(alert.status == "active" for alert in free) else "acknowledged"


def resolved_at(alerts: Sequence[AlertRow]) -> float | None:
    """When the last of them ended; None while one stands."""
    ends = [alert.resolved_at for alert in alerts]
    return None if None in ends else max(end for end in ends if end is not None)


def _fresh(session: Session, after: tuple[float, str] | None) -> list[Member]:
    """Alerts that fired after the last that was looked at."""
    fired = AlertRow.triggered_at
    query = select(*_MEMBER).order_by(fired, AlertRow.id).limit(BATCH)
    if after is not None:
        query = query.where(tuple_(fired, AlertRow.id) > after)
    return [Member(*row) for row in session.execute(query)]


def _missed(session: Session, known: Collection[str]) -> list[Member]:
    """Alerts that stand and are in no incident: they fired by a clock that was set back. As long
    as the first history is not through, the rest comes by itself."""
    if len(known) == BATCH:
        return []
    query = (
        select(*_MEMBER)
        .outerjoin(IncidentAlert, IncidentAlert.alert_id == AlertRow.id)
        .where(AlertRow.resolved_at.is_(None), IncidentAlert.alert_id.is_(None))
        .limit(BATCH)
    )
    return [Member(*row) for row in session.execute(query) if row.id not in known]


def _open(session: Session) -> set[str]:
    """Incidents that stand, or of which an alert stands (again)."""
    found = set(
        session.scalars(
            select(IncidentRow.id).where(
                IncidentRow.resolved_at.is_(None), IncidentRow.merged_into.is_(None)
            )
        )
    )
    standing = (
        select(IncidentAlert.incident_id)
        .join(AlertRow, AlertRow.id == IncidentAlert.alert_id)
        .where(AlertRow.resolved_at.is_(None))
        .distinct()
    )
    return found | set(session.scalars(standing))


def _groups(session: Session, members: Sequence[Member]) -> list[Group]:
    """The incidents that these alerts may belong to."""
    if not members:
        return []
    ended = IncidentRow.resolved_at
    rows = session.execute(
        select(IncidentRow.id, IncidentRow.root, IncidentRow.started_at, *_MEMBER)
        .join(IncidentAlert, IncidentAlert.incident_id == IncidentRow.id)
        .join(AlertRow, AlertRow.id == IncidentAlert.alert_id)
        .where(or_(ended.is_(None), ended >= members[0].fired - WINDOW))
    )
    groups: dict[str, Group] = {}
    for id_, root, started, *member in rows:
        groups.setdefault(id_, Group(id_, root, started)).add(Member(*member))
    return list(groups.values())


def _note_progress(session: Session, last: Member) -> None:
    row = session.get(IncidentProgress, 1)
    if row is None:
        session.add(IncidentProgress(id=1, at=last.fired, alert_id=last.id))
    else:
        row.at, row.alert_id = last.fired, last.id


def _row(group: Group, fleet: Fleet) -> IncidentRow:
    return IncidentRow(
        id=group.id, root=group.root, title=_title(group, fleet), severity="info",
        status="active", started_at=group.started,
    )  # fmt: skip


def _title(group: Group, fleet: Fleet) -> str:
    """What is told of the root; where nothing is, of the first alert."""
    first = sorted(group.members, key=lambda one: (one.fired, one.id))
    of_root = [one.title for one in first if one.target == group.root]
    return (of_root[0] if of_root else f"{fleet.label(group.root)}: {first[0].title}")[:300]


def _chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    for at in range(0, len(values), BATCH):
        yield values[at : at + BATCH]


def _chunked(
    session: Session, column: InstrumentedAttribute[str], values: Sequence[str]
) -> list[str]:
    """Those of ``values`` that are in a column."""
    found: list[str] = []
    for chunk in _chunks(values):
        found += session.scalars(select(column).where(column.in_(chunk)))
    return found
