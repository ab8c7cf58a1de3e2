"""Targets that come and go: whatever fired three times within an hour, as the alert engine counts
it (services.alerts.evaluate)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from services.alerts.evaluate import FLAP_SECONDS, FLAPS
from services.insights.firings import Firings
from services.inventory.fleet import Fleet
from services.times import iso

MOST = 50


def flapping(
    now: Firings, names: Mapping[str, str], fleet: Fleet
) -> tuple[Sequence[dict[str, Any]], int]:
    """The (rule, target) that flapped, those with the most firings in it first, and how many there
    are. A spell goes on while there are so many firings within the hour; ``medianGap`` is from one
    firing of it to the next, in seconds."""
    width = max(len(now.targets), 1)
    order = np.argsort(now.rule * width + now.target, kind="stable")
    key = (now.rule * width + now.target)[order]
    at = now.opened[order]
    last = FLAPS - 1
    # Begins of runs of FLAPS firings of one key within the hour; each run is part of a spell.
    begins = np.flatnonzero(
        (key[last:] == key[: len(key) - last]) & (at[last:] - at[: len(at) - last] <= FLAP_SECONDS)
    )
    within = np.zeros(len(at), dtype=bool)
    joined = np.zeros(len(at), dtype=bool)  # to the firing before it, in the same spell
    for shift in range(FLAPS):
        within[begins + shift] = True
        if shift:
            joined[begins + shift] = True
    rows: list[dict[str, Any]] = []
    for one in np.unique(key[within]):
        mine = within & (key == one)
        gaps = np.diff(at, prepend=np.nan)[mine & joined]
        rule, target = now.rules[int(one) // width], now.targets[int(one) % width]
        examples = dict.fromkeys(now.alerts[place] for place in now.alert[order][mine][::-1])
        rows.append(
            {
                "ruleId": rule,
                "ruleName": names.get(rule, rule),
                "target": target,
                "label": fleet.label(target),
                "firings": int(np.count_nonzero(mine)),
                "spells": int(np.count_nonzero(mine & ~joined)),
                "medianGap": round(float(np.median(gaps)), 3),
                "last": iso(float(at[mine][-1])),
                "alertIds": list(examples)[:3],
            }
        )
    rows.sort(key=lambda row: (-row["firings"], row["ruleId"], row["target"]))
    return rows[:MOST], len(rows)
