"""Accounts second by second: the slow and obvious way, and a place in which time passes as told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from models.database import Database
from services.alerts.quiet.desk import QuietDesk
from services.alerts.quiet.specs import Maintenance
from services.health.graph import Graph
from services.health.status import Judgement
from services.history import alive, write
from services.identity.audit import Actor
from services.insights.sla.desk import SlaDesk
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.inventory.sync import sync
from services.observation import CheckResult, Status
from services.rule import Rule

OPS = Actor("ops", "192.0.2.1")
#: What the default policy and every other say of a status.
DEFAULT = {"degraded": "up", "unknown": "excluded", "maintenance": "counted",
           "blindness": "excluded"}  # fmt: skip


def at(text: str) -> float:
    """``2026-03-29 01:30`` UTC in seconds since the epoch."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def second_by_second(
    members: Sequence[tuple[str, float, float]],
    intervals: Mapping[str, Sequence[tuple[str, float, float | None, str]]],
    out: Mapping[str, Sequence[tuple[float, float]]],
    policy: Mapping[str, str],
    start: int,
    end: int,
) -> dict[str, float]:
    """Seconds up, down and taken out, by asking at each second what was there and how it was.
    ``intervals``: status, start, end, reason."""
    found = {"up": 0.0, "down": 0.0, "maintenance": 0.0, "degraded": 0.0, "unknown": 0.0}
    for second in range(start, end):
        there = {key for key, one, other in members if one <= second < other}
        for key in there:
            statuses = [
                (status, reason)
                for status, one, other, reason in intervals.get(key, ())
                if one <= second and (other is None or second < other)
            ]
            if not statuses:
                continue
            ((status, reason),) = statuses
            share = 1 / len(there)
            if any(one <= second < other for one, other in out.get(key, ())):
                found["maintenance"] += share
                continue
            if status in ("degraded", "unknown"):
                found[status] += share
            blind = reason == alive.REASON
            counted = {
                "healthy": "up",
                "unhealthy": "down",
                "degraded": policy["degraded"],
                "unknown": policy["blindness" if blind else "unknown"],
            }[status]
            if counted != "excluded":
                found[counted] += share
    return found


@dataclass
class Place:
    """A database with an inventory, of which everything happens when ``now`` says."""

    database: Database
    now: float
    rules: list[Rule] = field(default_factory=list)
    states: dict[str, Judgement] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fleet = Fleet.build(Inventory(), "hub", "cache")
        self.desk = SlaDesk(
            self.database,
            lambda: self.fleet,
            lambda key: Graph(self.fleet).impact(key),
            lambda: self.states,
            lambda: self.rules,
            clock=lambda: self.now,
        )

    def inventory(self, **given: Any) -> None:
        """From now on this is watched."""
        self.fleet = Fleet.build(Inventory.model_validate(given), "hub", "cache")
        with self.database.write() as session:
            sync(session, self.fleet, self.now)

    def become(self, target: str, status: str, when: str | float, reason: str = "so it is") -> None:
        """The status of a target from then on."""
        moment = at(when) if isinstance(when, str) else when
        before = self.states.get(target)
        check = CheckResult(Status(status), reason, evidence={"httpStatus": 503})
        after = Judgement(
            Status(status), moment, reason, Status(status), 2, moment,
            previous=before.status if before else None, check=check,
        )  # fmt: skip
        with self.database.write() as session:
            ids = write.target_ids(session, [target])
            write.judgements(session, {target: (before, after)}, ids)
        self.states[target] = after

    def asleep(self, start: str, end: str) -> None:
        """The monitor did not run."""
        alive.note(self.database, at(start))
        with self.database.write() as session:
            assert alive.resume(session, at(end), 30.0) == at(start)

    def quiet(self) -> QuietDesk:
        return QuietDesk(
            self.database, lambda: self.fleet, 0.0, lambda: None, clock=lambda: self.now
        )

    def plan(self, schedule: Mapping[str, Any], scope: Mapping[str, Any]) -> str:
        """Plans maintenance; its id."""
        given = {"name": "work", "schedule": schedule, "scope": scope}
        made = self.quiet().add_maintenance(Maintenance.model_validate(given), None, OPS)
        return str(made["id"])

    def account(self, tenant: str, start: str, end: str) -> dict[str, Any]:
        return self.desk.tenant(tenant, at(start), at(end))
