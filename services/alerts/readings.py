"""Which rules watch a target, and what each of them reads there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.alerts.evaluate import Value
from services.health.graph import Graph
from services.health.status import Judgement
from services.inventory.fleet import Fleet
from services.metrics import Metric
from services.observation import Kind, Status, kind_of, vps_of
from services.rule import Rule, Scope


class Matcher:
    """``rules_for(target)``: the enabled rules whose metric the target has and whose scope it
    is in. Answers are kept, for rules and fleet do not change under a matcher."""

    def __init__(self, rules: Sequence[Rule], fleet: Fleet, graph: Graph) -> None:
        self.rules: Mapping[str, Rule] = {rule.id: rule for rule in rules}
        self._fleet = fleet
        self._graph = graph
        self._found: dict[str, tuple[Rule, ...]] = {}

    def rules_for(self, target: str) -> tuple[Rule, ...]:
        if target not in self._found:
            self._found[target] = tuple(
                rule for rule in self.rules.values() if rule.enabled and self._watches(rule, target)
            )
        return self._found[target]

    def _watches(self, rule: Rule, target: str) -> bool:
        metric, kind = rule.condition.reads, kind_of(target)
        if kind not in metric.kinds:
            return False
        if kind in (Kind.SERVICE, Kind.DEPENDENCY, Kind.APPLICATION):
            type_ = self._fleet.service_type(target)
            if metric.types is not None and type_ not in metric.types:
                return False
            if not _allows(rule.scope, type_):
                return False
        return self._in_scope(rule.scope, target)

    def _in_scope(self, scope: Scope, target: str) -> bool:
        vps_id = vps_of(target)
        if scope.vps and vps_id not in scope.vps:
            return False
        if scope.service and target.partition("/")[2].partition("/")[0] not in scope.service:
            return False
        if scope.tenant and not set(scope.tenant).intersection(self._graph.impact(target)):
            return False
        spec = self._fleet.vps.get(vps_id) if vps_id else None
        return not scope.tags or bool(spec and set(scope.tags).intersection(spec.tags))


def _allows(scope: Scope, type_: str) -> bool:
    return (not scope.types or type_ in scope.types) and type_ not in scope.except_types


def read(metric: Metric, judgement: Judgement) -> Value | None:
    """The value of a metric in a target's latest judgement; None where it was not observed."""
    if metric.name == "vps.reporting":
        return "silent" if judgement.silent else "reporting"
    if metric.states:
        return None if judgement.status is Status.UNKNOWN else judgement.status.value
    if metric.kinds == frozenset({Kind.VPS}):
        return None if judgement.silent else judgement.metrics.get(metric.name)
    check = judgement.check
    if check is None or judgement.silent:
        return None
    if metric.name == "service.uptime":
        return check.uptime_s
    if metric.name == "api.averageResponseTime":
        taken = judgement.responses
        return sum(taken) / len(taken) if taken and check.response_ms is not None else None
    return check.response_ms
