"""Burn rates: how many times faster than promised an error budget is being used up. Pure.

A burn rate of 1 uses up exactly the budget; 14.4 uses 2 % of 30 days' budget in an hour, 6 uses 5 %
of it in six. As one window alone either is slow to notice or goes on paging when the trouble is
over, a long window is watched together with a short one of a twelfth of it, and both must burn:
Google's Site Reliability Workbook (Beyer et al., O'Reilly 2018), chapter 5 "Alerting on SLOs",
"6: Multiwindow, Multi-Burn-Rate Alerts". The metric is therefore the smaller of the two: it is
above a limit when both are.
"""

from __future__ import annotations

from collections.abc import Mapping

#: The windows of each metric, in seconds: the long one and the short one.
WINDOWS: Mapping[str, tuple[float, float]] = {
    "sla.burnRate": (3600.0, 300.0),
    "sla.burnRateSlow": (21600.0, 1800.0),
}
LONGEST = max(long for long, _ in WINDOWS.values())
#: The burn rate of any downtime where the target allows none, and of more than that.
MOST = 10_000.0


def rate(down: float, counted: float, target: float) -> float | None:
    """The burn rate of ``down`` among ``counted`` seconds for a ``target`` in percent; None where
    nothing counted."""
    if not counted:
        return None
    budget = (100 - target) / 100
    if not down:
        return 0.0
    return min(down / counted / budget, MOST) if budget else MOST


def of_pair(long: float | None, short: float | None) -> float | None:
    """What both windows burn at least; None when one of them is not known."""
    return None if long is None or short is None else min(long, short)
