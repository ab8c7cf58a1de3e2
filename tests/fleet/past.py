"""A demo's past, written straight into its database: readings, statuses, alerts."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from sqlalchemy.orm import Session

from models.alerts import AlertEvent, AlertRow
from models.database import Database
from models.targets import StatusInterval
from services.alerts import wording
from services.alerts.records import fingerprint
from services.alerts.rules.defaults import DEFAULT_RULES
from services.health.graph import Graph
from services.health.status import Judgement
from services.history import write
from services.inventory.fleet import Fleet
from services.observation import PLATFORM, CheckResult, Observation, Status, vps_of
from services.rule import Threshold
from tests.fleet.agents import metrics_of
from tests.fleet.incidents import Incident, reach
from tests.fleet.life import Life, Strain
from tests.fleet.plan import Plan

#: Seconds between readings, for as many seconds before the end; earlier ones are further apart.
#: The last minutes are as the dashboard itself will go on.
_STEPS = ((900.0, 10.0), (48 * 3600.0, 120.0))
_EARLIER = 600.0
_BATCH = 20_000

_FATAL = {
    "refuse": "connection refused",
    "hang": "no answer within 10 s",
    "5xx": "failed inside (500)",
    "flap": "connection refused",
    "down": "no connection: it did not react",
    "expired": "certificate is not valid: certificate has expired",
}
_STRAINS = {"disk": "disk", "leak": "memory", "busy": "CPU"}
#: Which default rule an incident trips, and how the rule's value is found.
_RULES = {
    "disk": "high-disk-usage",
    "leak": "high-memory-usage",
    "slow": "api-response-time",
    "down": "vps-not-reporting",
}


class Spell(NamedTuple):
    """A time in which a target was not well."""

    start: float
    end: float
    status: Status
    reason: str


class Past:
    """From ``start`` (seconds since the epoch) to the moment at which it is written, told by
    ``wall``. ``lives`` get the strains of the incidents, so that the present goes on from it."""

    def __init__(
        self, plan: Plan, lives: Mapping[str, Life], incidents: list[Incident],
        start: float, wall: Callable[[], float],
    ) -> None:  # fmt: skip
        self._plan = plan
        self._lives = lives
        self._incidents = incidents
        self._start, self._end, self._wall = start, wall(), wall
        self._spells: dict[str, list[Spell]] = {}
        for incident in incidents:
            kind, detail = incident.scenario.kind, incident.scenario.detail
            if kind in _STRAINS:
                strain = Strain(kind, incident.start, end=incident.end, over=600)
                strain.to = detail.get("to", strain.to)
                lives[incident.target].strains.append(strain)
            for key, status, reason in _harm(plan, incident):
                spell = Spell(incident.start, incident.end, status, reason)
                self._spells.setdefault(key, []).append(spell)

    def write(self, database: Database, fleet: Fleet, enough: Callable[[], bool]) -> int:
        """Writes everything, unless it is ``enough`` before; returns how many readings."""
        keys = [key for key in (*fleet.services, *fleet.applications) if key not in fleet.own]
        keys += [vps.id for vps in self._plan.vps]
        with database.write() as session:
            ids = write.target_ids(session, [*keys, PLATFORM])
        readings = self._readings()
        count = 0
        while not enough() and (batch := list(islice(readings, _BATCH))):
            with database.write() as session:
                write.samples(session, batch, ids)
            count += len(batch)
        self._end = self._wall()
        with database.write() as session:
            for key in keys:
                self._statuses(session, key, ids[key], self._spells.get(key, []))
            self._statuses(session, PLATFORM, ids[PLATFORM], self._troubled())
            self._alerts(session, fleet)
        return count

    def _moments(self) -> Iterator[float]:
        at, steps = self._start, [(self._end - left, step) for left, step in _STEPS]
        while at < self._wall():
            yield at
            at += next((step for since, step in steps if at >= since), _EARLIER)

    def _readings(self) -> Iterator[Observation]:
        """Servers at each moment, what runs on them at every other one."""
        probed = self._probed()
        for turn, at in enumerate(self._moments()):
            for vps_id, places in probed.items():
                life = self._lives[vps_id]
                if not self._is_gone(vps_id, at):
                    yield Observation(vps_id, at, metrics_of(life, at))
                if turn % 2:
                    continue
                share = life.cpu(at)
                for place, (key, base, slow) in enumerate(places):
                    if not self._is_gone(key, at):
                        late = 1800.0 if any(i.start <= at < i.end for i in slow) else 0.0
                        took = life.latency_ms(base, at + place, share) + late
                        check = CheckResult(Status.HEALTHY, "", took)
                        yield Observation(key, min(at + place, self._end), check=check)

    def _probed(self) -> dict[str, list[tuple[str, float, list[Incident]]]]:
        """By server what is probed there: key, time that it takes, incidents that slow it."""
        found: dict[str, list[tuple[str, float]]] = {
            vps.id: [(service.key, service.part.base_ms) for service in vps.services]
            for vps in self._plan.vps
        }
        for tenant in self._plan.tenants:
            found[tenant.vps] += ((app.key, 30.0) for app in tenant.apps)
        slow = [i for i in self._incidents if i.scenario.kind == "slow"]
        reached = [(i, set(reach(self._plan, i.target))) for i in slow]
        return {
            vps_id: [(k, base, [i for i, keys in reached if k in keys]) for k, base in places]
            for vps_id, places in found.items()
        }

    def _is_gone(self, key: str, at: float) -> bool:
        """Whether nothing could be read of a target."""
        return any(
            spell.start <= at < spell.end and spell.status in (Status.UNHEALTHY, Status.UNKNOWN)
            for spell in self._spells.get(key, ())
        )

    def _statuses(self, session: Session, key: str, id_: int, spells: Iterable[Spell]) -> None:
        """Well but for the spells, and well now."""
        since, before = self._start, None
        for spell in spells:
            for status, previous, start, end, reason in (
                (Status.HEALTHY, before, since, spell.start, "all well"),
                (spell.status, Status.HEALTHY, spell.start, spell.end, spell.reason),
            ):
                session.add(
                    StatusInterval(
                        target_id=id_, status=status, previous=previous, started_at=start,
                        ended_at=end, reason=reason, evidence={},
                    )
                )  # fmt: skip
            since, before = spell.end, spell.status
        session.flush()
        well = Judgement(Status.HEALTHY, since, "all well", Status.HEALTHY, 2, self._end)
        ill = Judgement(before, since, "", before, 1, since) if before else None
        write.judgements(session, {key: (ill, well)}, {key: id_})

    def _troubled(self) -> list[Spell]:
        """The platform: degraded while anything is not well (incidents do not overlap)."""
        harmful = {(s.start, s.end) for spells in self._spells.values() for s in spells}
        return [Spell(start, end, Status.DEGRADED, "") for start, end in sorted(harmful)]

    def _alerts(self, session: Session, fleet: Fleet) -> None:
        rules = {rule.id: rule for rule in DEFAULT_RULES}
        graph, rng = Graph(fleet), random.Random(self._plan.seed)
        for incident in self._incidents:
            kind, target = incident.scenario.kind, incident.target
            database = target.endswith("/postgres")
            usual = "db-connection-failure" if database else "service-down"
            rule = rules.get(_RULES.get(kind, usual if kind in _FATAL else ""))
            if rule is None or not isinstance(rule.condition, Threshold):
                continue
            fired = incident.start + rule.condition.duration + rng.uniform(5, 40)
            if fired > incident.end:
                continue
            value = {"disk": 96.0, "leak": 93.0, "slow": 1840.0}.get(kind, rule.condition.value)
            label, reason = fleet.label(target), _FATAL.get(kind, incident.scenario.words)
            known = Judgement(Status.UNHEALTHY, fired, reason, Status.UNHEALTHY, 1, fired)
            seen = fired + rng.uniform(30, 240) if rng.random() < 0.6 else None
            seen = None if seen is None or seen > incident.end else seen
            alert = AlertRow(
                id=uuid.UUID(int=rng.getrandbits(128), version=4).hex,
                fingerprint=fingerprint(rule.id, target), rule_id=rule.id, rule_name=rule.name,
                target=target, vps_id=vps_of(target),
                service_name=target.partition("/")[2] or None,
                tenant_id=target[1:].partition("/")[0] if target.startswith("@") else None,
                severity=rule.severity, status="resolved",
                title=wording.title(rule, label, value), message=wording.message(rule, known, None),
                value=value, threshold=rule.condition.value, triggered_at=fired, told_at=fired,
                acknowledged_at=seen, acknowledged_by="anna" if seen else None,
                resolved_at=incident.end + 30, resolution="Recovered: all well.",
                impact=list(graph.impact(target)), escalation_level=0, occurrences=1,
            )  # fmt: skip
            session.add(alert)
            session.flush()
            lines: list[tuple[float, str, str | None, str]] = []
            lines.append((fired, "fired", None, alert.message))
            lines += [(seen, "acknowledged", "anna", "on it")] if seen else []
            lines.append((incident.end + 30, "resolved", None, "Recovered: all well."))
            session.add_all(
                AlertEvent(alert_id=alert.id, at=at, kind=word, actor=actor, note=note)
                for at, word, actor, note in lines
            )


def _harm(plan: Plan, incident: Incident) -> list[tuple[str, Status, str]]:
    """What an incident made of whom, as the checks saw it."""
    kind, target = incident.scenario.kind, incident.target
    if kind in _STRAINS:
        return [(target, Status.DEGRADED, f"{_STRAINS[kind]} 96 %")]
    if kind == "degraded":
        return [(target, Status.DEGRADED, "reports 'degraded': database is degraded")]
    if kind not in _FATAL:
        return []
    if kind == "down":
        on_it = [s.key for s in plan.services() if vps_of(s.key) == target]
        on_it += [app.key for t in plan.tenants if t.vps == target for app in t.apps]
        return [(key, Status.UNHEALTHY, _FATAL[kind]) for key in (target, *on_it)]
    after = reach(plan, target)[1:] if incident.scenario.detail.get("spread") else []
    unavailable = "says that it is unavailable (503)"
    return [
        (target, Status.UNHEALTHY, _FATAL[kind]),
        *((key, Status.UNHEALTHY, unavailable) for key in after),
    ]
