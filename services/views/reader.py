"""The reader: what pages, REST and stream ask for. Answers are kept until something changes."""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.alerts import SPEAKS_OF_OTHERS, AlertEvent, AlertRow
from models.database import Database
from services.cache import Cache
from services.errors import NotFound
from services.events import AlertChanged, Event
from services.health import scopes
from services.health.board import Board
from services.health.graph import Graph
from services.history import query
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.notify import outbox
from services.notify.body import alert_body
from services.notify.outbox import Told
from services.notify.retry import Reason
from services.observation import Status
from services.times import iso
from services.views import alert_lists, alerts, cards
from services.views.alert_lists import AlertFilter, AlertPage
from services.views.alert_lists import Place as AlertPlace
from services.views.beats import SPANS, USUAL, Heartbeats
from services.views.computed import Computed
from services.views.headline import told
from services.views.kept import Keeper
from services.views.latest import Latest
from services.views.model import (
    Body,
    EventView,
    Extent,
    Instance,
    Overview,
    Roster,
    ServiceType,
    VpsCard,
)
from services.views.roster import MOST_CARDS, roster

#: The unresolved alerts, newest first.
ANY = AlertFilter()
POINTS = 40
EVENTS = 8


class Reader:
    """Read models for callers limited to ``scope`` (tenant ids; None sees everything). What such
    a caller may not see is absent from every list, count, score and sentence. ``kept`` has the
    bodies of the API as bytes."""

    def __init__(
        self,
        database: Database,
        board: Board,
        fleet: Fleet,
        graph: Graph,
        cache: Cache,
        interval: float,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._board = board
        self._fleet = fleet
        self._interval = interval
        self._clock = clock
        self._alerts_version = 0
        self._kept: dict[Scope, tuple[tuple[int, int], Overview]] = {}
        self._building: dict[Scope, threading.Lock] = defaultdict(threading.Lock)
        self._computed = Computed(database, board, fleet, graph, interval, clock)
        self._courses = query.Courses()
        self.kept = Keeper(self._computed, cache, monotonic)
        self.latest = Latest(board, self.fleet, lambda: self.kept.running, monotonic)
        self._heartbeats = Heartbeats(database, clock)
        self._cards = cards.Drawn()

    def notice(self, event: Event) -> None:
        """Takes note of a change that the board does not show."""
        if isinstance(event, AlertChanged):
            self._alerts_version += 1
            self._computed.alerts_changed()
        self.kept.notice(event)

    def fleet(self) -> Fleet:
        """What is watched now."""
        return self._fleet

    def graph(self) -> Graph:
        """What depends on what, now."""
        return self._computed.graph

    def replace(self, fleet: Fleet, graph: Graph) -> None:
        """Goes on with another fleet."""
        self._fleet = fleet
        self._computed.replace(fleet, graph)
        self._heartbeats.forget()
        self._alerts_version += 1

    def sees(self, target: str, scope: Scope) -> bool:
        """Whether a caller may know of a target: its own tenants, and the servers they are on."""
        return self._computed.sees(target, scope)

    def impact(self, target: str) -> Sequence[str]:
        """The tenants that a target's failure reaches."""
        return self._computed.impact(target)

    def overview(self, scope: Scope = None) -> Overview:
        """The state of everything that a caller may see."""
        with self._building[scope]:
            version = (self._board.version, self._alerts_version)
            kept = self._kept.get(scope)
            if kept is None or kept[0] != version:
                kept = (version, self._overview(scope, kept[1].roster if kept else None))
                self._kept[scope] = kept
            return kept[1]

    def extent(self, scope: Scope = None) -> Extent:
        """How much a caller sees watched, and how many alerts are active. Cheap: nothing is
        judged for it."""
        return self._computed.extent(scope)

    def updated_at(self, scope: Scope = None) -> float:
        """When any of what a caller may see was last looked at, in seconds since the epoch."""
        return self._computed.updated_at(scope)

    def over(self, view: Overview, span: str, scope: Scope = None) -> Overview:
        """An overview with heartbeats over another span: a key of SPANS; any other word: as it
        is."""
        if span == USUAL or span not in SPANS:
            return view
        return replace(view, services=self._service_types(view.vps, scope, span))

    def vps(self, vps_id: str, scope: Scope = None) -> VpsCard:
        """One server. Raises NotFound for one that is not there or not to be known of."""
        self._computed.check("vps", vps_id, scope)
        with self._database.read() as session:
            return self._card(session, [vps_id], scope)[0]

    def alert(self, alert_id: str, scope: Scope = None) -> Body:
        """One alert with its timeline and notifications. Raises NotFound."""
        with self._database.read() as session:
            row = session.get(AlertRow, alert_id)
            if row is None or not self.sees(row.target, scope):
                raise NotFound(f"there is no alert '{alert_id}'")
            body = self._alert(row, scope)
            events = session.scalars(
                select(AlertEvent).filter_by(alert_id=alert_id).order_by(AlertEvent.id)
            )
            body["timeline"] = [
                {"at": iso(e.at), "event": e.kind, "by": e.actor, "note": _note(e, scope)}
                for e in events
            ]
            body["notifications"] = [
                {
                    "channel": t.channel, "recipient": t.recipient, "event": t.event,
                    "status": t.status, "reason": t.reason, "detail": _detail(t, scope),
                    "sentAt": iso(t.sent_at),
                }
                for t in outbox.told(session, [alert_id], event=None).get(alert_id, ())
            ]  # fmt: skip
        return body

    def alerts(
        self,
        scope: Scope = None,
        wanted: AlertFilter = ANY,
        limit: int = 100,
        after: AlertPlace | None = None,
    ) -> AlertPage:
        """Alerts as the API lists them; see services.views.alert_lists. Raises ValidationError."""
        with self._database.read() as session:
            found = alert_lists.find(session, wanted, self._fleet, scope, limit, after)
            rows = session.scalars(select(AlertRow).where(AlertRow.id.in_(found.ids)))
            bodies = {row.id: self._alert(row, scope) for row in rows}
        return AlertPage(
            [bodies[id_] for id_ in found.ids if id_ in bodies], found.last, found.total
        )

    def _alert(self, row: AlertRow, scope: Scope) -> Body:
        body = alert_body(row)
        if scope is not None:
            body["impact"] = {"tenants": [t for t in row.impact if t in scope]}
            if row.suppressed_by is not None and not self.sees(row.suppressed_by, scope):
                body["suppressedBy"] = None
            if row.withheld is not None:
                body["withheld"] = row.withheld.partition(":")[0]
        return body

    def _overview(self, scope: Scope, before: Roster | None) -> Overview:
        fleet, (found, uptime_s) = self._fleet, self._computed.standing(scope)
        visible = [brief.id for brief in found.vps]
        with self._database.read() as session:
            full = len(visible) <= MOST_CARDS
            servers = self._card(session, visible, scope, courses=full)
            active = alerts.unresolved(session, fleet, lambda t: self.sees(t, scope), scope)
            changes = query.recent_changes(session, EVENTS * (1 if scope is None else 20))
        count = max(len(active), self._computed.active(scope))
        return Overview(
            headline=found.headline,
            told=told(active, self._trouble(scope), count),
            status=found.status,
            score=found.score,
            uptime_s=uptime_s,
            updated_at=found.updated_at,
            services=self._service_types(servers, scope, USUAL),
            vps=tuple(servers),
            alerts=active,
            events=tuple(
                EventView(c.start, c.target, fleet.label(c.target), c.status, _said(c))
                for c in changes
                if self.sees(c.target, scope)
            )[:EVENTS],
            tenants=found.tenants,
            interval=self._interval,
            sentence=found.sentence,
            active=count,
            roster=roster(before, servers, full=full),
        )

    def _trouble(self, scope: Scope) -> str | None:
        """What is wrong with the monitor itself. A warning may name anything of the fleet."""
        return self._board.trouble or (self._board.warning if scope is None else None)

    def _card(
        self, session: Session, vps_ids: Sequence[str], scope: Scope, *, courses: bool = True
    ) -> list[VpsCard]:
        """Cards of servers, in the fleet's order; without courses where so many are asked for that
        nobody would look at them. Slots of the course are wider than an interval,
        so that a reading which comes a little late leaves no gap."""
        states, now = self._board.snapshot(), self._clock()
        if not courses:
            return self._cards.without_courses(vps_ids, self._fleet, states, scope, self._interval)
        known = scopes.visible_vps(self._fleet, scope)
        by_interval: dict[float, list[str]] = defaultdict(list)
        for vps_id in vps_ids:
            by_interval[self._fleet.interval(vps_id, self._interval)].append(vps_id)
        found: dict[str, list[Any]] = {}
        for interval, group in by_interval.items():
            width = 1.5 * interval
            end = math.ceil(now / width) * width
            found |= self._courses.read(session, group, end, width, POINTS)
        return [
            cards.vps_card(
                vps_id, self._fleet, states, found[vps_id],
                tuple(t for t in self._fleet.tenants_on(vps_id) if scope is None or t in scope),
                self._fleet.interval(vps_id, self._interval),
                known,
            )
            for vps_id in vps_ids
        ]  # fmt: skip

    def _service_types(
        self, servers: Sequence[VpsCard], scope: Scope, span: str
    ) -> tuple[ServiceType, ...]:
        groups: dict[str, list[Instance]] = defaultdict(list)
        types = self._computed.types(scope)
        for card in servers:
            for instance in card.services:
                groups[types[instance.key]].append(instance)
        keys = {type_: [i.key for i in group] for type_, group in groups.items()}
        moved = max((i.since for group in groups.values() for i in group), default=0.0)
        beats = self._heartbeats.of(keys, scope, span, moved)
        return tuple(cards.service_type(t, group, *beats[t]) for t, group in groups.items())


def _note(event: AlertEvent, scope: Scope) -> str:
    """A decision's reason; without its words where those may speak of others."""
    return "" if scope is not None and event.kind in SPEAKS_OF_OTHERS else event.note


def _detail(message: Told, scope: Scope) -> str:
    """How a message stands; without the words that count what others were told in it."""
    return "" if scope is not None and message.reason is Reason.BATCHED else message.detail


def _said(change: query.Interval) -> str:
    if change.status is Status.HEALTHY:
        return "healthy again"
    return f"{change.status}: {change.reason}"
