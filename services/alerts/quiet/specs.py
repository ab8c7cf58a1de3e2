"""What withholds messages, as people write it: maintenance and silences."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, Strict, StringConstraints, model_validator

from services.alerts.quiet.schedules import Schedule, Span, When, instant
from services.rule import Id, Severity, Wire

MOST_NAMES = 500
MOST_MATCHERS = 20
#: A silence that outlives the memory of it hides trouble that nobody expects to be hidden.
LONGEST_SILENCE = 366 * 24 * 60


def _service(name: str) -> str:
    if name.count("/") > 1:
        raise ValueError(f"'{name[:60]}' is no service; write its name, or vps/service")
    return name


Ids = Annotated[tuple[Id, ...], Field(max_length=MOST_NAMES)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Comment = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Word = Annotated[str, Field(min_length=1, max_length=320)]
Service = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9._/-]*$", max_length=201), AfterValidator(_service)
]


class MaintenanceScope(Wire):
    """What work is done on: alerts that fit every field that is given; of a field, one name is
    enough. ``service`` takes names and ``vps/service``. ``tenant``: alerts that reach none but
    these tenants. ``everything`` is said, never meant by leaving all out."""

    vps: Ids = ()
    service: Annotated[tuple[Service, ...], Field(max_length=MOST_NAMES)] = ()
    tenant: Ids = ()
    tags: Annotated[tuple[Word, ...], Field(max_length=MOST_NAMES)] = ()
    everything: Annotated[bool, Strict()] = False

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        named = bool(self.vps or self.service or self.tenant or self.tags)
        if not named and not self.everything:
            raise ValueError(
                "an empty scope would be the whole fleet; name vps, service, tenant or tags, or "
                "set everything to true"
            )
        if named and self.everything:
            raise ValueError("everything goes alone; leave it out, or the names")
        return self


class Maintenance(Wire):
    """Work on part of the fleet: while a window is open nobody is told of the alerts in scope."""

    name: Text
    schedule: Schedule
    scope: MaintenanceScope


class SilenceMatcher(Wire):
    """One thing that must be so of an alert. ``value`` is a text, for ``oneOf`` a list of them.
    ``rule`` is a rule's id, ``target`` the key of a target; ``service`` takes a name or
    ``vps/service``; ``tenant`` equals: the alert reaches none but these; ``tag``: the server has
    one of these."""

    field: Literal["rule", "severity", "vps", "service", "tenant", "tag", "target"]
    operator: Literal["equals", "notEquals", "oneOf"] = "equals"
    value: Word | Annotated[tuple[Word, ...], Field(min_length=1, max_length=MOST_NAMES)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.operator == "oneOf") != isinstance(self.value, tuple):
            raise ValueError("value is a list for oneOf, and one text for equals and notEquals")
        if self.field == "severity":
            for value in self.values:
                if value not in list(Severity):
                    raise ValueError(
                        f"there is no severity '{value[:60]}'; it is {', '.join(Severity)}"
                    )
        return self

    @property
    def values(self) -> frozenset[str]:
        return frozenset(self.value if isinstance(self.value, tuple) else (self.value,))

    @property
    def wants(self) -> bool:
        """Whether an alert must have one of the values, not lack them."""
        return self.operator != "notEquals"


Matchers = Annotated[tuple[SilenceMatcher, ...], Field(min_length=1, max_length=MOST_MATCHERS)]


class NewSilence(Wire):
    """From ``startsAt`` (without it from now) to ``endsAt``, or for so many ``minutes``, nobody
    is told of alerts that all ``matchers`` fit. Times are ISO 8601."""

    comment: Comment
    matchers: Matchers
    starts_at: When | None = None
    ends_at: When | None = None
    minutes: Annotated[int, Strict(), Field(ge=1, le=LONGEST_SILENCE)] | None = None

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if (self.ends_at is None) == (self.minutes is None):
            raise ValueError("a silence needs an end: give endsAt or minutes, one of them")
        self.span(-math.inf)
        return self

    def span(self, now: float) -> Span:
        """Seconds since the epoch. Raises ValueError when it is too long or the wrong way
        round; one that began before ``now`` begins now."""
        start = now if self.starts_at is None else instant(self.starts_at, "UTC", "startsAt")
        start = max(start, now)
        if self.minutes is not None:
            return Span(start, start + self.minutes * 60)
        end = instant(self.ends_at or "", "UTC", "endsAt")
        if math.isfinite(start) and not start < end <= start + LONGEST_SILENCE * 60:
            raise ValueError(
                "endsAt must lie after the start (now, or startsAt), and within a year"
            )
        return Span(start, end)
