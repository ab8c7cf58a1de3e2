"""``/api/admin/alerts/rules/<rule_id>/suggestion``: what a rule could be instead."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from services.container import current
from services.web.rest.analytics import SOON
from services.web.rest.operation import Answer, Body, Routes
from services.web.rest.past import now
from services.web.rest.ranges import RangeQuery, span_of

routes = Routes("Alert rules")


class SuggestionRequest(Body):
    time_range: str | None = Field(
        None, max_length=20, description="a whole number and m, h, d or w; without it 30d"
    )
    from_: str | None = Field(None, alias="from", max_length=40)
    to: str | None = Field(None, max_length=40)
    soon_minutes: float = Field(
        SOON, ge=0, le=1440, allow_inf_nan=False, description="as in the analytics"
    )


class MissedAlerts(Answer):
    total: int
    real: int
    alert_ids: list[str]


class ToldLater(Answer):
    """Of how many real troubles it would have ``told``, and how much later, in seconds."""

    total: int
    told: int
    later_median: float | None
    later_most: float | None


class SuggestedRule(Answer):
    """``rule`` is what ``PUT /api/admin/alerts/rules/<rule_id>`` takes, with ``ifMatch`` as its
    ``If-Match``. ``pagesBefore``, ``pages`` and ``count`` (of alerts) are of previews."""

    change: list[dict[str, Any]]
    rule: dict[str, Any]
    if_match: str
    applicable: bool
    count: int
    pages_before: int
    pages: int
    reduced_by: float
    missed: MissedAlerts
    real: ToldLater


class TriedChange(Answer):
    change: list[dict[str, Any]]
    pages: int
    missed_real: int


class RuleSuggestion(Answer):
    """``suggestion`` is null when there is none; ``sentence`` says why."""

    rule_id: str
    version: int
    suggestion: SuggestedRule | None
    sentence: str
    tried: list[TriedChange]
    notes: list[str]


@routes.post(
    "/api/admin/alerts/rules/<rule_id>/suggestion",
    who="whole",
    body=SuggestionRequest,
    body_optional=True,
    answer=RuleSuggestion,
)
def suggest_alert_rule(rule_id: str, body: SuggestionRequest) -> dict[str, Any]:
    """A milder version of a rule, tried by previews over its own history.

    Limits, durations and how long it keeps firing are tried; what is suggested would have told of
    every firing that an operator acknowledged or that was not false. It is applied by sending its
    rule to PUT with ifMatch. Takes a minute at most. 503 while previews run."""
    asked = RangeQuery(time_range=body.time_range, from_=body.from_, to=body.to)
    span = span_of(asked, now(), default="30d")
    return current().suggestions.suggest(rule_id, span.start, span.end, 60 * body.soon_minutes)
