"""Who can be told: contacts, groups of them, and who of them is on call when."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from services.inventory.zones import WEEK, Clock, Date, Day, When, Zone, instant
from services.rule import Channel, Severity, WebAddress, Wire

_SERVICE_URL = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*://[^\s\x00-\x1f\x7f]{1,2000}", re.I)
_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES


def _name(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("a name is a line of text; write what people call it")
    return text.strip()


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_name)]


class WebhookAddress(Wire):
    url: WebAddress
    secret: SecretStr

    @field_validator("secret")
    @classmethod
    def _usable(cls, secret: SecretStr) -> SecretStr:
        """Any text signs; one that says it is base64 (``whsec_``) must be."""
        text = secret.get_secret_value()
        if not text:
            raise ValueError("the secret is empty; give a random text of some 32 characters")
        if text.startswith("whsec_"):
            try:
                base64.b64decode(text.removeprefix("whsec_"), validate=True)
            except binascii.Error:
                raise ValueError("after 'whsec_' a secret goes on in base64") from None
        return secret


class QuietPeriod(Wire):
    """From a time of the day to another by the contact's clock, on the next day when that one is
    earlier; twice the same time is a whole day. ``days``: those on which it begins."""

    from_: Clock = Field(alias="from")
    to: Clock
    days: Annotated[tuple[Day, ...], Field(min_length=1, max_length=7)] = WEEK  # type: ignore[assignment]
    severities: Annotated[tuple[Severity, ...], Field(min_length=1, max_length=3)] = (
        Severity.INFO,
        Severity.WARNING,
    )

    @property
    def ends_next_day(self) -> bool:
        return self.to <= self.from_

    def minutes(self) -> list[tuple[int, int]]:
        """Its parts of a week, in minutes since Monday 00:00; the last may end in the next week."""
        (start, end) = (int(at[:2]) * 60 + int(at[3:]) for at in (self.from_, self.to))
        length = end - start + (_DAY_MINUTES if self.ends_next_day else 0)
        days = (WEEK.index(day) * _DAY_MINUTES for day in self.days)
        return [(day + start, day + start + length) for day in days]


class Fallback(Wire):
    """``channel`` carries what another could not for ``after`` seconds, or never will."""

    channel: Channel
    after: Annotated[float, Field(ge=0, le=6 * 3600, allow_inf_nan=False)] = 120


class Contact(Wire):
    """``apprise`` is a service URL (``slack://...``), which holds the service's token.
    ``time_zone`` is the one that quiet hours are in and that messages tell times in."""

    name: Name
    email: str | None = None
    phone: str | None = None
    webhook: WebhookAddress | None = None
    apprise: SecretStr | None = None
    time_zone: Zone | None = None
    quiet_hours: Annotated[tuple[QuietPeriod, ...], Field(max_length=21)] = ()
    fallback: Fallback | None = None

    @field_validator("apprise")
    @classmethod
    def _a_service(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not _SERVICE_URL.fullmatch(url.get_secret_value()):
            raise ValueError(
                "this is not a service URL; write it as slack://..., or use webhook for an address "
                "that begins with http"
            )
        return url

    @field_validator("quiet_hours")
    @classmethod
    def _leave_a_time(cls, periods: tuple[QuietPeriod, ...]) -> tuple[QuietPeriod, ...]:
        for severity in Severity:
            if _always([period for period in periods if severity in period.severities]):
                raise ValueError(
                    f"the quiet hours never end for {severity}, so it would never be told; leave "
                    "some time of the week"
                )
        return periods

    @model_validator(mode="after")
    def _can_fall_back(self) -> Self:
        if self.fallback is None:
            return self
        channel = self.fallback.channel
        if channel is Channel.IN_APP:
            raise ValueError(
                "inApp is no fallback, for everybody sees it anyway; name email, sms, webhook or "
                "apprise"
            )
        if self.address(channel) is None:
            needs = {Channel.EMAIL: "email", Channel.SMS: "phone"}.get(channel, str(channel))
            raise ValueError(
                f"the fallback is {channel}, and this contact has no {needs}; add it, or name "
                "another channel"
            )
        return self

    def address(self, channel: Channel) -> str | None:
        """Where a channel reaches the contact; None when it does not."""
        match channel:
            case Channel.EMAIL:
                return self.email
            case Channel.SMS:
                return self.phone
            case Channel.WEBHOOK:
                return self.webhook.url if self.webhook else None
            case Channel.APPRISE:
                return self.apprise.get_secret_value() if self.apprise else None
            case _:
                return None


class Group(Wire):
    """``members`` are names of contacts."""

    name: Name
    members: Annotated[tuple[str, ...], Field(max_length=1000)] = ()


class Handover(Wire):
    """When the next one takes over, each week."""

    day: Day
    time: Clock


class Override(Wire):
    """Somebody else is on call for a while."""

    from_: When = Field(alias="from")
    to: When
    contact: str


class Rotation(Wire):
    """Each of the ``members`` (names of contacts) is on call for a week, in their order; the first
    takes over on the day ``since``, and holds the time before it too."""

    name: Name
    time_zone: Zone = "UTC"
    handover: Handover
    members: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    since: Date
    overrides: Annotated[tuple[Override, ...], Field(max_length=200)] = ()

    @model_validator(mode="after")
    def _begins_with_a_handover(self) -> Self:
        found, wanted = self.since.weekday(), WEEK.index(self.handover.day)
        if found != wanted:
            before = self.since - timedelta(days=(found - wanted) % 7)
            raise ValueError(
                f"since is the day of the first hand-over, and {self.since} is a {WEEK[found]}, "
                f"not a {self.handover.day}; write {before} or {before + timedelta(days=7)}"
            )
        return self

    @model_validator(mode="after")
    def _one_override_at_a_time(self) -> Self:
        spans = sorted((*self.span(one), at) for at, one in enumerate(self.overrides))
        for start, end, at in spans:
            if start >= end:
                raise ValueError(f"overrides[{at}] ends before it begins; to must lie after from")
        for (_, end, one), (start, _, other) in pairwise(spans):
            if start < end:
                raise ValueError(
                    f"overrides[{one}] and overrides[{other}] are at the same time; only one can "
                    "be on call"
                )
        return self

    def span(self, override: Override) -> tuple[float, float]:
        """From when to when it holds, in seconds since the epoch."""
        return (
            instant(override.from_, self.time_zone),
            instant(override.to, self.time_zone),
        )


def _always(periods: Sequence[QuietPeriod]) -> bool:
    """Whether periods cover the whole week."""
    spans = [span for period in periods for span in period.minutes()]
    if sum(end - start for start, end in spans) < _WEEK_MINUTES:
        return False
    two_weeks = bytearray(2 * _WEEK_MINUTES)
    for start, end in spans:
        two_weeks[start:end] = b"\1" * (end - start)
    return all(map(max, two_weeks[:_WEEK_MINUTES], two_weeks[_WEEK_MINUTES:]))
