"""An alert rule as people write it: the specification's object, validated."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
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


class Wire(BaseModel):
    """Base of what is written in camelCase outside; unknown fields are mistakes."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class Condition(Wire):
    """``metric operator value`` must hold for ``duration`` seconds."""

    type: Literal["threshold"] = "threshold"
    metric: str
    operator: Operator
    value: float | str
    duration: Seconds = 0

    @field_validator("value", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError("the value of a condition is a number or a word in quotes")
        return value

    @field_validator("metric")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            find(name)
        except ValidationError as error:
            raise ValueError(error.message) from None
        return name

    @model_validator(mode="after")
    def _fits(self) -> Self:
        states = find(self.metric).states
        ordered = self.operator not in (Operator.EQUALS, Operator.NOT_EQUALS)
        if states and ordered:
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

    @property
    def reads(self) -> Metric:
        return find(self.metric)


class NotificationPlan(Wire):
    """Who is told how. Without recipients the installation's own contacts are told.
    ``escalate_after``: seconds from firing without acknowledgement."""

    channels: tuple[Channel, ...] = (Channel.IN_APP,)
    recipients: tuple[str, ...] = ()
    escalate_after: Seconds | None = None


class Scope(Wire):
    """Which targets a rule watches; an empty list means any. ``types`` and ``except_types``
    speak of service types."""

    vps: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    tenant: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    except_types: tuple[str, ...] = ()


class Rule(Wire):
    id: Id
    name: Annotated[str, Field(min_length=1, max_length=200)]
    severity: Severity
    condition: Condition
    notification: NotificationPlan = NotificationPlan()
    enabled: bool = True
    scope: Scope = Scope()
    runbook_url: WebAddress | None = None
