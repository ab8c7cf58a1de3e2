"""Which rules watch a target, and what each of them reads there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.alerts.evaluate import Value
from services.health.graph import Graph
from services.health.status import Judgement
from services.inventory.fleet import Fleet
from services.metrics import Metric
from services.observation import Kind, Status, kind_of, vps_of
from services.rule import Operator, Rule, Scope, Threshold

#: Kinds of targets whose metrics stand in their readings.
_OF_READINGS = (frozenset({Kind.VPS}), frozenset({Kind.TENANT}))


@dataclass(frozen=True, slots=True)
class Group:
    """The rules of a target that read the same metric. A value that is none of ``words``, below
    ``low`` and above ``high`` meets none of their conditions, unless ``always``: then only a
    closer look can tell."""

    metric: Metric
    rules: tuple[Rule, ...]
    words: frozenset[Value]
    low: float
    high: float
    always: bool

    @classmethod
    def of(cls, metric: Metric, rules: Iterable[Rule]) -> Group:
        rules = tuple(rules)
        words, low, high, always = set(), math.inf, -math.inf, False
        for rule in rules:
            match rule.condition:
                case Threshold(operator=Operator.EQUALS, value=value):
                    words.add(value)
                case Threshold(
                    operator=Operator.GREATER_THAN | Operator.GREATER_THAN_OR_EQUAL, value=value
                ):
                    low = min(low, float(value))
                case Threshold(
                    operator=Operator.LESS_THAN | Operator.LESS_THAN_OR_EQUAL, value=value
                ):
                    high = max(high, float(value))
                case _:
                    always = True
        return cls(metric, rules, frozenset(words), low, high, always)

    def may_hold(self, value: Value | None) -> bool:
        """False for nearly every value: no condition of the group holds."""
        if self.always or value in self.words:
            return True
        if value is None or isinstance(value, str):
            return False
        return value >= self.low or value <= self.high


class Matcher:
    """The enabled rules whose metric a target has and whose scope it is in. Answers are kept, for
    rules and fleet do not change under a matcher."""

    def __init__(self, rules: Mapping[str, Rule], fleet: Fleet, graph: Graph) -> None:
        self.rules = rules
        self._fleet = fleet
        self._graph = graph
        self._by_kind: dict[Kind, list[Rule]] = {kind: [] for kind in Kind}
        for rule in rules.values():
            for kind in rule.condition.reads.kinds:
                self._by_kind[kind].append(rule)
        self._found: dict[str, tuple[Rule, ...]] = {}
        # Most targets of a kind have the same rules, and so the same groups.
        self._grouped: dict[tuple[str, ...], tuple[Group, ...]] = {}
        self._groups: dict[str, tuple[Group, ...]] = {}

    def rules_for(self, target: str) -> tuple[Rule, ...]:
        found = self._found.get(target)
        if found is None:
            found = tuple(r for r in self._by_kind[kind_of(target)] if self.watches(r, target))
            self._found[target] = found
        return found

    def groups_for(self, target: str) -> tuple[Group, ...]:
        """The rules of a target by the metric that they read."""
        groups = self._groups.get(target)
        if groups is None:
            rules = self.rules_for(target)
            ids = tuple(rule.id for rule in rules)
            groups = self._groups[target] = self._grouped.setdefault(ids, _group(rules))
        return groups

    def watches(self, rule: Rule, target: str) -> bool:
        """Whether a rule is enabled and judges a target."""
        return rule.enabled and self.why_not(rule, target) is None

    def why_not(self, rule: Rule, target: str) -> str | None:
        """Why a rule does not speak of a target, in words; None when it does."""
        metric, kind = rule.condition.reads, kind_of(target)
        if kind not in metric.kinds:
            return f"a {kind} has no {metric.name}"
        if kind in (Kind.SERVICE, Kind.DEPENDENCY, Kind.APPLICATION):
            type_ = self._fleet.service_type(target)
            if metric.types is not None and type_ not in metric.types:
                return f"it is of type {type_}, which has no {metric.name}"
            if not _allows(rule.scope, type_, kind):
                return f"its type {type_} is not in the rule's scope"
        return self._out_of(rule.scope, target)

    def _out_of(self, scope: Scope, target: str) -> str | None:
        vps_id = vps_of(target)
        if scope.vps and vps_id not in scope.vps:
            return f"the rule is for {', '.join(scope.vps)}"
        if scope.service and target.partition("/")[2].partition("/")[0] not in scope.service:
            return f"the rule is for {', '.join(scope.service)}"
        if scope.tenant and not set(scope.tenant).intersection(self._graph.impact(target)):
            return f"the rule is for {', '.join(scope.tenant)}"
        spec = self._fleet.vps.get(vps_id) if vps_id else None
        if scope.tags and not (spec and set(scope.tags).intersection(spec.tags)):
            return f"the rule is for what is tagged {', '.join(scope.tags)}"
        return None


def _group(rules: Sequence[Rule]) -> tuple[Group, ...]:
    by_metric: dict[str, list[Rule]] = {}
    for rule in rules:
        by_metric.setdefault(rule.condition.reads.name, []).append(rule)
    return tuple(Group.of(found[0].condition.reads, found) for found in by_metric.values())


def _allows(scope: Scope, type_: str, kind: Kind) -> bool:
    """An application goes by the type of the service that it runs on, and is none of those that
    have rules of their own."""
    if scope.types and type_ not in scope.types:
        return False
    return kind is Kind.APPLICATION or type_ not in scope.except_types


def read(metric: Metric, judgement: Judgement) -> Value | None:
    """The value of a metric in a target's latest judgement; None where it was not observed."""
    if metric.name == "vps.reporting":
        return "silent" if judgement.silent else "reporting"
    if metric.states:
        return None if judgement.status is Status.UNKNOWN else judgement.status.value
    if metric.kinds in _OF_READINGS:
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
