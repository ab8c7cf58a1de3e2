"""Minutes, budgets and burn rates in words, and the bar of a budget."""

from __future__ import annotations

from datetime import datetime

from dash import html
from dash.development.base_component import Component

from components.marks import NBSP
from services.times import span

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def meter(share: float, tone: str) -> Component:
    """A bar filled up to ``share`` (0 to 1)."""
    fill = html.I(style={"width": f"{100 * share:.1f}%"})
    return html.Span(fill, className=f"meter is-{tone}", **{"aria-hidden": "true"})


def budget_words(total: float, left: float) -> str:
    """``41.2 min of 43.2 min error budget left``."""
    if total <= 0:
        return "The target allows no downtime"
    if left < 0:
        return f"Error budget of {minutes(total)} overdrawn by {minutes(-left)}"
    return f"{minutes(left)} of {minutes(total)} error budget left"


def burn_words(both: float | None, long: float | None) -> str:
    """How fast the budget goes, by the rate that both windows burn at least."""
    if both is None:
        return "nothing counted yet"
    if both == 0:
        past = f"; {long:.3g} times as fast as allowed before" if long else ""
        return f"not at all{past}"
    if both < 1:
        return f"{both:.2g} times as fast as allowed: the budget will last"
    ends = 30 * 86400 / both
    return f"{both:.3g} times as fast as allowed: a whole 30 days' budget lasts {span(ends)}"


def month_name(name: str) -> str:
    """``November 2026`` for ``2026-11``."""
    return f"{MONTHS[int(name[5:7]) - 1]} {name[:4]}"


def target(value: float) -> str:
    """A promise in percent: ``99.9 %``."""
    return f"{value:.6g}{NBSP}%"


def minutes(value: float) -> str:
    """``0 min``, ``12.5 min``, ``1,204 min``."""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}".removesuffix(".0")
    return f"{text}{NBSP}min"


def hidden(text: str) -> Component:
    """Words for those who listen."""
    return html.Span(text, className="visually-hidden")


def at(iso: str) -> float:
    """Seconds since the epoch of a time of the API."""
    return datetime.fromisoformat(iso).timestamp()
