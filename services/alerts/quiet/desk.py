"""Where maintenance windows and silences are made, changed and ended; what is in force now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.database import Database
from models.quiet import MaintenanceRow, SilenceRow
from services.alerts.quiet import rows
from services.alerts.quiet.now import Quiet
from services.alerts.quiet.reach import Named, Reach
from services.alerts.quiet.rows import Place, Specs, State, Stored
from services.alerts.quiet.specs import Maintenance, NewSilence
from services.alerts.quiet.windows import occurrences
from services.errors import Conflict, NotFound, ValidationError
from services.events import AnnotationAdded, Event
from services.identity import Scope
from services.identity.audit import Actor, audit
from services.inventory.fleet import Fleet
from services.times import iso

#: So many windows, and silences that are not over, at the same time.
MOST = 1000

Body = dict[str, Any]


class QuietDesk:
    """``quiet`` is always what is in force. ``grace``: for so many seconds a deployment withholds
    messages. ``on_change`` is called after each change of what is in force, whoever made it.
    ``rules`` gives the ids that a silence may name (None: any). Thread-safe.

    The methods take the ``scope`` of the caller: one limited to tenants sees and makes only what
    is within them. They raise NotFound, InsufficientPermissions, Conflict and ValidationError.
    """

    def __init__(
        self,
        database: Database,
        fleet: Callable[[], Fleet],
        grace: float,
        on_change: Callable[[], None],
        clock: Callable[[], float] = time.time,
        rules: Callable[[], Collection[str]] | None = None,
    ) -> None:
        self._database = database
        self._fleet = fleet
        self._grace = grace
        self._on_change = on_change
        self._clock = clock
        self._rules = rules
        self._specs = Specs()
        self._lock = threading.Lock()
        self._stored = self._read()
        self._quiet = self._stored.quiet()

    @property
    def quiet(self) -> Quiet:
        """What withholds messages now. Take it anew each time: it is replaced by a change."""
        return self._quiet

    def refresh(self) -> None:
        """Takes in what other processes changed, and deployments. For the scheduler, too."""
        with self._lock:
            found = self._read()
            changed = found != self._stored
            if changed:
                self._stored, self._quiet = found, found.quiet()
        if changed:
            self._on_change()

    def notice(self, event: Event) -> None:
        """Takes in a deployment that was noted in this process. For the bus."""
        if isinstance(event, AnnotationAdded):
            self.refresh()

    def list_maintenance(
        self, scope: Scope, state: State | None, after: Place | None, limit: int
    ) -> tuple[list[Body], Place | None]:
        """A page, newest first, and where the next one goes on."""
        now, reach = self._clock(), self._reach(scope)
        query = select(MaintenanceRow).order_by(
            MaintenanceRow.created_at.desc(), MaintenanceRow.id.desc()
        )
        found: list[tuple[Place, Body]] = []
        with self._database.read() as session:
            for row in session.scalars(query):
                place, spec = Place(row.created_at, row.id), self._specs.of(row)
                if spec is None or (after is not None and place >= after):
                    continue
                if not reach.sees(Named.by_scope(spec.scope)):
                    continue
                body = rows.maintenance_body(row, spec, now)
                if state in (None, body["state"]):
                    found.append((place, body))
                if len(found) > limit:
                    break
        more = found[limit - 1][0] if len(found) > limit else None
        return [body for _, body in found[:limit]], more

    def calendar(
        self, scope: Scope, start: float, end: float, limit: int
    ) -> tuple[list[Body], bool]:
        """The windows of all maintenance that touch the time from ``start`` to ``end``, by their
        begin, and whether those are all: each maintenance gives ``limit`` of them at most."""
        reach, found, whole = self._reach(scope), [], True
        with self._database.read() as session:
            for row in session.scalars(select(MaintenanceRow)):
                spec = self._specs.of(row)
                if spec is None or not reach.sees(Named.by_scope(spec.scope)):
                    continue
                windows = occurrences(spec.schedule, start, end, limit + 1)
                whole = whole and len(windows) <= limit
                found += [(window, row.id, row.name) for window in windows[:limit]]
        found.sort()
        return [
            {"maintenanceId": id_, "name": name, "start": iso(window.start), "end": iso(window.end)}
            for window, id_, name in found
        ], whole

    def maintenance(self, id_: str, scope: Scope) -> Body:
        with self._database.read() as session:
            row, spec = self._maintenance(session, id_, self._reach(scope))
            return rows.maintenance_body(row, spec, self._clock())

    def add_maintenance(self, given: Maintenance, scope: Scope, actor: Actor) -> Body:
        now = self._clock()
        self._reach(scope).check(Named.by_scope(given.scope))
        row = MaintenanceRow(
            id=str(uuid4()), name=given.name, spec=rows.spec_of(given), created_at=now,
            created_by=actor.name[:100],
        )  # fmt: skip
        with self._database.write() as session:
            _room(session.scalar(select(func.count()).select_from(MaintenanceRow)), "windows")
            session.add(row)
            audit(session, actor, "maintenance.add", row.id, now, {"name": row.name, **row.spec})
            body = rows.maintenance_body(row, given, now)
        self.refresh()
        return body

    def change_maintenance(self, id_: str, given: Maintenance, scope: Scope, actor: Actor) -> Body:
        """Writes it anew, as a whole."""
        now, reach = self._clock(), self._reach(scope)
        with self._database.write() as session:
            row, _ = self._maintenance(session, id_, reach)
            reach.check(Named.by_scope(given.scope))
            before = {"name": row.name, **row.spec}
            row.name, row.spec = given.name, rows.spec_of(given)
            after = {"name": row.name, **row.spec}
            audit(session, actor, "maintenance.change", id_, now, {"before": before, **after})
            body = rows.maintenance_body(row, given, now)
        self.refresh()
        return body

    def delete_maintenance(self, id_: str, scope: Scope, actor: Actor) -> None:
        """Takes it away, an open window too; the audit keeps what it was."""
        now = self._clock()
        with self._database.write() as session:
            row = session.get(MaintenanceRow, id_)
            # What this version cannot read can still be taken away.
            if row is None or scope is not None:
                row, _ = self._maintenance(session, id_, self._reach(scope))
            audit(session, actor, "maintenance.delete", id_, now, {"name": row.name, **row.spec})
            session.delete(row)
        self.refresh()

    def list_silences(
        self, scope: Scope, state: State | None, after: Place | None, limit: int
    ) -> tuple[list[Body], Place | None]:
        """A page, newest first, and where the next one goes on."""
        now, reach = self._clock(), self._reach(scope)
        with self._database.read() as session:
            found, more = rows.silences(
                session, state, now, after, limit, lambda row: _sees(reach, row)
            )
            last = Place(found[-1].created_at, found[-1].id) if more else None
            return [rows.silence_body(row, now) for row in found], last

    def silence(self, id_: str, scope: Scope) -> Body:
        with self._database.read() as session:
            row = _silence(session, id_, self._reach(scope))
            return rows.silence_body(row, self._clock())

    def add_silence(self, given: NewSilence, scope: Scope, actor: Actor) -> Body:
        now = self._clock()
        try:
            span = given.span(now)
        except ValueError as error:
            raise ValidationError(f"The silence cannot be: {error}.") from None
        self._reach(scope).check(Named.by_matchers(given.matchers))
        row = SilenceRow(
            id=str(uuid4()), comment=given.comment, starts_at=span.start, ends_at=span.end,
            matchers=[one.model_dump(mode="json", by_alias=True) for one in given.matchers],
            created_at=now, created_by=actor.name[:100],
        )  # fmt: skip
        with self._database.write() as session:
            live = select(func.count()).where(SilenceRow.ends_at > now)
            _room(session.scalar(live), "silences that are not over")
            session.add(row)
            audit(session, actor, "silence.add", row.id, now, _told(row))
            body = rows.silence_body(row, now)
        self.refresh()
        return body

    def end_silence(self, id_: str, scope: Scope, actor: Actor) -> None:
        """Ends it now; it stays in the list of those that ended. Conflict when it is over."""
        now = self._clock()
        with self._database.write() as session:
            row = _silence(session, id_, self._reach(scope))
            if row.ends_at <= now:
                raise Conflict("This silence is over already.")
            audit(session, actor, "silence.end", id_, now, _told(row))
            row.starts_at, row.ends_at = min(row.starts_at, now), now
        self.refresh()

    def _read(self) -> Stored:
        with self._database.read() as session:
            return rows.stored(session, self._specs, self._clock(), self._grace)

    def _reach(self, scope: Scope) -> Reach:
        return Reach(self._fleet(), scope, self._rules() if self._rules else None)

    def _maintenance(
        self, session: Session, id_: str, reach: Reach
    ) -> tuple[MaintenanceRow, Maintenance]:
        row = session.get(MaintenanceRow, id_)
        spec = self._specs.of(row) if row else None
        if row is None or spec is None or not reach.sees(Named.by_scope(spec.scope)):
            raise NotFound(f"There is no maintenance '{id_}'.")
        return row, spec


def _silence(session: Session, id_: str, reach: Reach) -> SilenceRow:
    row = session.get(SilenceRow, id_)
    if row is None or not _sees(reach, row):
        raise NotFound(f"There is no silence '{id_}'.")
    return row


def _sees(reach: Reach, row: SilenceRow) -> bool:
    return reach.sees(Named.by_matchers(rows.matchers_of(row)))


def _told(row: SilenceRow) -> dict[str, Any]:
    return {
        "comment": row.comment, "matchers": row.matchers, "startsAt": row.starts_at,
        "endsAt": row.ends_at,
    }  # fmt: skip


def _room(count: int | None, what: str) -> None:
    if (count or 0) >= MOST:
        raise Conflict(f"There are {MOST} {what}, which are the most; delete some first.")
