"""``/api/admin/alerts/analytics``: what alerts add up to."""

from __future__ import annotations

from typing import Any, Literal

from flask import g
from pydantic import Field, field_validator

from services.alerts.quiet.schedules import zone
from services.alerts.rules.sight import Sight
from services.container import current
from services.errors import NotFound
from services.identity import Scope
from services.insights.desk import Question
from services.insights.firings import Wanted
from services.web.rest.ids import ID
from services.web.rest.operation import Answer, Routes
from services.web.rest.past import listed, now
from services.web.rest.ranges import RangeQuery, span_of

routes = Routes("Alerts")

#: Minutes within which what ended by itself was nothing.
SOON = 5.0


class AnalyticsQuery(RangeQuery):
    """The filters may repeat, or hold lists with commas."""

    rule_id: tuple[str, ...] = Field((), description="only alerts of these rules")
    vps_id: tuple[str, ...] = Field((), description="only alerts of these servers")
    tenant_id: tuple[str, ...] = Field((), description="only alerts that reach these tenants")
    severity: tuple[Literal["info", "warning", "critical"], ...] = ()
    time_zone: str = Field("UTC", max_length=60, description="of days, weekdays and hours")
    soon_minutes: float = Field(
        SOON,
        ge=0,
        le=1440,
        allow_inf_nan=False,
        description="what ended by itself so soon, unacknowledged, was a false positive",
    )

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        return zone(name).key

    def wanted(self) -> Wanted:
        """The filters, checked."""
        return Wanted(
            listed("ruleId", self.rule_id, ID),
            listed("vpsId", self.vps_id),
            listed("tenantId", self.tenant_id),
            tuple(dict.fromkeys(self.severity)),
        )


class FiringTotal(Answer):
    firings: int
    alerts: int
    told: int
    acknowledged: int
    open: int


class FiringTotals(FiringTotal):
    """``change`` in percent against ``before``; null where there was nothing before."""

    before: FiringTotal
    change: float | None


class DayOfFirings(Answer):
    day: str
    firings: int


class HourOfFirings(Answer):
    hour: int
    firings: int
    before: int


class WeekdayOfFirings(Answer):
    weekday: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    firings: int
    before: int


class FiringsOf(Answer):
    """Of one rule, target, server, service, tenant or severity, named by further fields."""

    firings: int
    alerts: int
    before: int
    change: float | None


class Breakdown(Answer):
    """The 50 with the most firings, of ``total``."""

    rows: list[FiringsOf]
    total: int


class Times(Answer):
    """In seconds. ``p90``: the smallest that nine of ten do not exceed."""

    count: int
    mean: float | None
    median: float | None
    p90: float | None


class TimesFrom(Times):
    from_: str = Field(alias="from", description="a day, or the Monday of a week")


class ResponseTimes(Times):
    """``leftOut`` counts the firings that are not in it, by why."""

    before: Times
    left_out: dict[str, int]
    trend: list[TimesFrom]
    definition: str


class FalsePositives(Answer):
    marked: int
    self_resolved: int
    deployment: int


class Precision(Answer):
    """Shares in percent, of what is ``resolved``."""

    resolved: int
    false_positives: FalsePositives
    false_positive_share: float | None
    precision: float | None


class FleetPrecision(Precision):
    definition: str


class RuleNoise(Precision):
    """``told``: firings that somebody was told of."""

    rule_id: str
    rule_name: str
    firings: int
    alerts: int
    told: int
    messages: int
    acknowledged_share: float | None


class RulesNoise(Answer):
    """The noisiest first, by messages; 50, of ``total``."""

    rows: list[RuleNoise]
    total: int


class FlappingTarget(Answer):
    """``medianGap``: seconds from one firing to the next."""

    rule_id: str
    rule_name: str
    target: str
    label: str
    firings: int
    spells: int
    median_gap: float
    last: str
    alert_ids: list[str]


class Flapping(Answer):
    rows: list[FlappingTarget]
    total: int


class PatternPart(Answer):
    """``count``: how often its trouble began."""

    rule_id: str
    rule_name: str
    target: str
    label: str
    count: int


class PairPattern(Answer):
    """``hits`` times, by chance ``expected``. ``p``: how likely so many are by chance, at most;
    ``rate``: the false discovery rate at which it is told. ``medianLag`` in seconds."""

    first: PatternPart
    second: PatternPart
    hits: int
    expected: float
    lift: float | None
    p: float
    rate: float
    within_seconds: float
    median_lag: float
    examples: list[list[str]]
    sentence: str


class HourPattern(PatternPart):
    from_: str = Field(alias="from")
    to: str
    hits: int
    days: int
    expected: float
    p: float
    rate: float
    alert_ids: list[str]
    sentence: str


class PairPatterns(Answer):
    """The 20 least likely, of ``total``; ``tested``: how many pairs were looked at."""

    rows: list[PairPattern]
    total: int
    tested: int


class HourPatterns(Answer):
    rows: list[HourPattern]
    total: int
    tested: int


class Patterns(Answer):
    together: PairPatterns
    precedes: PairPatterns
    same_hour: HourPatterns
    false_discovery_rate: float
    method: str
    notes: list[str]


class AlertAnalytics(Answer):
    from_: str = Field(alias="from")
    to: str
    time_zone: str
    before: dict[str, str]
    counted: str
    totals: FiringTotals
    per_day: list[DayOfFirings]
    by_hour: list[HourOfFirings]
    by_weekday: list[WeekdayOfFirings]
    by_rule: Breakdown
    by_target: Breakdown
    by_vps: Breakdown
    by_service: Breakdown
    by_tenant: Breakdown
    by_severity: Breakdown
    acknowledgement: ResponseTimes
    resolution: ResponseTimes
    rules: RulesNoise
    false_positives: FleetPrecision
    flapping: Flapping
    patterns: Patterns


@routes.get(
    "/api/admin/alerts/analytics", query=AnalyticsQuery, answer=AlertAnalytics, errors=(404,)
)
def get_alert_analytics(query: AnalyticsQuery) -> dict[str, Any]:
    """How often alerts fire, how soon they are taken on and over, and what they have in common.

    Of the last 30 days unless a range is given, 400 days at most, beside the period before. The
    answer says how each figure is counted."""
    span, wanted = span_of(query, now(), default="30d"), query.wanted()
    _check(wanted, g.principal.scope)
    asked = Question(span.start, span.end, wanted, zone(query.time_zone), 60 * query.soon_minutes)
    return current().insights.analytics(asked, g.principal.scope)


def _check(wanted: Wanted, scope: Scope) -> None:
    """Raises NotFound for what a limited caller may not know of."""
    if scope is None:
        return
    fleet = current().read.fleet()
    sight = Sight.of(fleet, scope)
    rules = {entry.rule.id for entry in current().rules.all() if sight.sees(entry.rule)}
    for what, names, known in (
        ("rule", wanted.rules, rules),
        ("VPS", wanted.vps, sight.servers),
        ("tenant", wanted.tenants, scope & fleet.tenants.keys()),
    ):
        for name in names:
            if name not in known:
                raise NotFound(f"There is no {what} '{name}'.")
