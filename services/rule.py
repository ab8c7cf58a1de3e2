"""An alert rule as people write it: the specification's object, validated."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from services.errors import ValidationError
from services.metrics import Metric, find


def web_address(url: str) -> str:
    """``url`` when it names a host over http or https; else ValueError."""
    problem = f"'{url}' is no web address; write it as https://host/path"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        raise ValueError(problem) from None
    if not usable or not url.isprintable() or " " in url:
        raise ValueError(problem)
    return url


WebAddress = Annotated[str, Field(max_length=2000), AfterValidator(web_address)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=100)]
Seconds = Annotated[float, Field(ge=0, le=30 * 86400, allow_inf_nan=False)]


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    WEBHOOK = "webhook"
    IN_APP = "inApp"
    APPRISE = "apprise"


class Operator(StrEnum):
    EQUALS = "equals"
    NOT_EQUALS = "notEquals"
    GREATER_THAN = "greaterThan"
    GREATER_THAN_OR_EQUAL = "greaterThanOrEqual"
    LESS_THAN = "lessThan"
    LESS_THAN_OR_EQUAL = "lessThanOrEqual"


EQUALITY = frozenset({Operator.EQUALS, Operator.NOT_EQUALS})


class Wire(BaseModel):
    """Base of what is written in camelCase outside; unknown fields are mistakes."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class Measured(Wire):
    """What every condition has: a metric of the catalogue, and for how many seconds it must be
    as described before anybody hears of it."""

    metric: str
    duration: Seconds = 0

    @field_validator("metric")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            find(name)
        except ValidationError as error:
            raise ValueError(error.message) from None
        return name

    @property
    def reads(self) -> Metric:
        return find(self.metric)


class Threshold(Measured):
    """``metric operator value`` must hold for ``duration`` seconds. ``clear_value``: once an alert
    stands, it is compared with this one instead."""

    type: Literal["threshold"] = "threshold"
    operator: Operator
    value: float | str
    clear_value: float | None = Field(default=None, allow_inf_nan=False)

    @field_validator("value", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError("the value of a condition is a number or a word in quotes")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        states = self.reads.states
        if states and self.operator not in EQUALITY:
            raise ValueError(
                f"'{self.operator}' needs a number, but {self.metric} is one of "
                f"{', '.join(states)}: use equals or notEquals"
            )
        if states and self.value not in states:
            raise ValueError(
                f"{self.metric} is never '{self.value}'; it is one of {', '.join(states)}"
            )
        if not states and isinstance(self.value, str):
            raise ValueError(
                f"{self.metric} is a number, and '{self.value}' is text; write a number, "
                "without quotes"
            )
        if isinstance(self.value, float) and not math.isfinite(self.value):
            raise ValueError(f"'{self.value}' is no number that {self.metric} can be compared with")
        return self

    @model_validator(mode="after")
    def _clears(self) -> Self:
        if self.clear_value is None:
            return self
        if self.operator in EQUALITY or isinstance(self.value, str):
            raise ValueError(
                f"clearValue goes with a limit to be above or below of; leave it out with "
                f"'{self.operator}'"
            )
        upward = self.operator in (Operator.GREATER_THAN, Operator.GREATER_THAN_OR_EQUAL)
        if (self.clear_value > self.value) if upward else (self.clear_value < self.value):
            side = "below" if upward else "above"
            raise ValueError(
                f"clearValue is where the trouble is over: at or {side} {self.value:g}, not at "
                f"{self.clear_value:g}"
            )
        return self


class Direction(StrEnum):
    BOTH = "both"
    ABOVE = "above"
    BELOW = "below"


class Anomaly(Measured):
    """The metric is not as it has learned to expect of it. ``max_per_week`` is the alert budget
    for each target: the detector finds the threshold that keeps to it. ``direction``: which side
    of the expected counts."""

    type: Literal["anomaly"]
    max_per_week: float = Field(default=1.0, gt=0, le=100, allow_inf_nan=False)
    direction: Direction = Direction.BOTH

    @field_validator("metric")
    @classmethod
    def _number(cls, name: str) -> str:
        if find(name).states:
            raise ValueError(
                f"{name} is a word and no number; an anomaly needs a number. Use a threshold "
                "condition with equals"
            )
        return name


class Absence(Measured):
    """The metric has no value for ``duration`` seconds, although the monitor could look."""

    type: Literal["absence"]
    duration: Annotated[float, Field(gt=0, le=30 * 86400, allow_inf_nan=False)]


def _type_of(condition: Any) -> Any:
    if isinstance(condition, Measured):
        return condition.type  # type: ignore[attr-defined]
    return condition.get("type", "threshold") if isinstance(condition, dict) else "threshold"


Condition = Annotated[
    Annotated[Threshold, Tag("threshold")]
    | Annotated[Anomaly, Tag("anomaly")]
    | Annotated[Absence, Tag("absence")],
    Discriminator(
        _type_of,
        custom_error_type="condition_type",
        custom_error_message="the type of a condition is threshold, anomaly or absence",
    ),
]


class NotificationPlan(Wire):
    """Who is told how. Without recipients the installation's own contacts are told.
    ``escalate_after``: seconds from firing without acknowledgement; ``remind_every``: seconds after
    which people are told again, for as long as nobody has acknowledged it."""

    channels: tuple[Channel, ...] = (Channel.IN_APP,)
    recipients: tuple[str, ...] = ()
    escalate_after: Seconds | None = None
    remind_every: Annotated[float, Field(ge=60, le=30 * 86400, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _somebody_reads(self) -> Self:
        if self.remind_every is not None and not self.people:
            raise ValueError(
                "remindEvery needs a channel that people read: email, sms, inApp or apprise"
            )
        return self

    @property
    def people(self) -> tuple[Channel, ...]:
        """The channels that people read."""
        return tuple(channel for channel in self.channels if channel is not Channel.WEBHOOK)

    def to_people(self) -> NotificationPlan:
        """The same without the machines."""
        return self.model_copy(update={"channels": self.people})


class Scope(Wire):
    """Which targets a rule watches; an empty list means any. ``types`` and ``except_types``
    speak of service types."""

    vps: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    tenant: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    except_types: tuple[str, ...] = ()


class EscalationStep(Wire):
    """Who is told besides when an alert has been told of for ``after`` seconds and nobody has
    acknowledged it."""

    after: Annotated[float, Field(gt=0, le=30 * 86400, allow_inf_nan=False)]
    channels: tuple[Channel, ...] = (Channel.IN_APP,)
    recipients: tuple[str, ...] = ()

    @property
    def plan(self) -> NotificationPlan:
        return NotificationPlan(channels=self.channels, recipients=self.recipients)


class RaisedSeverity(Wire):
    """The severity of an alert that reaches so many tenants or more."""

    tenants: Annotated[int, Field(ge=1)]
    severity: Severity


class Rule(Wire):
    """``keep_firing_for``: seconds for which the condition must be clear before the alert ends."""

    id: Id
    name: Annotated[str, Field(min_length=1, max_length=200)]
    severity: Severity
    condition: Condition
    notification: NotificationPlan = NotificationPlan()
    enabled: bool = True
    scope: Scope = Scope()
    keep_firing_for: Seconds = 0
    escalation: Annotated[tuple[EscalationStep, ...], Field(max_length=10)] = ()
    raise_severity: Annotated[tuple[RaisedSeverity, ...], Field(max_length=3)] = ()
    runbook_url: WebAddress | None = None

    @field_validator("escalation")
    @classmethod
    def _in_order(cls, steps: tuple[EscalationStep, ...]) -> tuple[EscalationStep, ...]:
        if any(later.after <= step.after for step, later in pairwise(steps)):
            raise ValueError("each step of an escalation comes after the one before it")
        return steps

    @property
    def steps(self) -> tuple[EscalationStep, ...]:
        """Every step of the escalation: ``escalateAfter`` tells the same people again."""
        plan = self.notification
        if plan.escalate_after is None:
            return self.escalation
        again = EscalationStep(
            after=max(plan.escalate_after, 1.0), channels=plan.channels, recipients=plan.recipients
        )
        return tuple(sorted((again, *self.escalation), key=lambda step: step.after))

    def reminder(self, level: int) -> NotificationPlan:
        """Who is reminded once ``level`` steps of the escalation were taken: the people among those
        who were told last. Machines keep what they were told."""
        plans = [self.notification, *(step.plan for step in self.steps[:level])]
        return [plan.to_people() for plan in plans if plan.people][-1]

    def severity_for(self, tenants: int) -> Severity:
        """The severity of an alert that reaches so many tenants: it rises and never falls."""
        reached = [one.severity for one in self.raise_severity if tenants >= one.tenants]
        return max((self.severity, *reached), key=list(Severity).index)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The rules in force, enabled or not, and the version of each, by id."""

    rules: Mapping[str, Rule]
    versions: Mapping[str, int]

    @classmethod
    def first(cls, rules: Iterable[Rule]) -> Rulebook:
        """Rules that nobody has changed yet."""
        book = {rule.id: rule for rule in rules}
        return cls(book, dict.fromkeys(book, 1))
