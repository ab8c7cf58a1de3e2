"""What the page of alerts shows: frozen types. Times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.views.model import Body


@dataclass(frozen=True, slots=True)
class Step:
    """A decision: when, what, in which words, and whose it was (None: Healthdeck's)."""

    at: float
    what: str
    text: str
    who: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """A message to one recipient. ``at``: when it was sent, or written if it was not."""

    id: str
    channel: str
    recipient: str
    event: str
    status: str
    reason: str
    detail: str
    at: float
    again: bool


@dataclass(frozen=True, slots=True)
class Course:
    """The metric of an alert's rule around it: seconds since the epoch and values."""

    label: str
    unit: str
    times: tuple[float, ...]
    values: tuple[float | None, ...]
    limit: float | None
    start: float
    end: float
    fired: float
    ended: float | None


@dataclass(frozen=True, slots=True)
class Detail:
    """``body`` is the alert as the API has it, ``facts`` its evidence as (name, words),
    ``impact`` the tenants it reaches as (id, name); ``why``: who was told and who was not, in
    sentences; ``may_resend``: the caller may have messages sent again."""

    body: Mapping[str, Any]
    target: str
    server: tuple[str, str] | None
    facts: tuple[tuple[str, str], ...]
    impact: tuple[tuple[str, str], ...]
    runbook: str | None
    why: tuple[str, ...]
    decisions: tuple[Step, ...]
    messages: tuple[Sent, ...]
    incident: str | None
    course: Course | None
    may_resend: bool


@dataclass(frozen=True, slots=True)
class Row:
    """An alert in a list. ``handled``: who is on it, or how it ended; ``told``: who was told, or
    why nobody was; ``next_at``: when it escalates, if nobody takes it, and to whom."""

    id: str
    severity: str
    status: str
    title: str
    target: str
    triggered_at: float
    resolved_at: float | None
    snoozed_until: float | None
    occurrences: int
    flapping: bool
    suppressed_by: str
    impact: tuple[str, ...]
    handled: str
    told: str
    next_at: float | None = None
    next_whom: str = ""


@dataclass(frozen=True, slots=True)
class AlertsPage:
    """``query`` is what the address asks for, cleaned. ``total`` None: more than are counted.
    ``more``: there are others than those listed. ``missing``: what was asked for by its id is not
    there. ``incidents`` None: alerts are listed."""

    tab: str
    query: Mapping[str, str]
    rows: tuple[Row, ...]
    total: int | None
    more: bool
    servers: tuple[tuple[str, str], ...]
    tenants: tuple[tuple[str, str], ...]
    interval: float
    chosen: Detail | None = None
    missing: bool = False
    incidents: tuple[Body, ...] | None = None
    incident: Body | None = None
    may_note: bool = False
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def asked(self) -> str:
        """The id of the alert or incident that the drawer is open for; empty: it is closed."""
        return self.query.get("alert") or self.query.get("incident") or ""
