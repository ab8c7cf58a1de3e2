"""How often alerts fire: by rule, target, severity, day, hour and weekday, beside the period
before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from services.insights.calendar import Wall, named
from services.insights.firings import Firings, Ints
from services.inventory.fleet import Fleet
from services.observation import vps_of

#: Rows of one breakdown.
MOST = 50
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Body = dict[str, Any]


def totals(now: Firings, before: Firings) -> Body:
    """``alerts`` are counted once however often they were reopened."""
    return {**_total(now), "before": _total(before), "change": change(len(now), len(before))}


def change(now: float, before: float) -> float | None:
    """Percent by which there is more than before; None where before there was nothing."""
    return round(100 * (now - before) / before, 1) if before else None


def per_day(clock: Wall, of: range) -> Sequence[Body]:
    """Firings of each day that the time touches."""
    counts = np.bincount(clock.day - of.start, minlength=len(of)) if len(of) else ()
    return [
        {"day": named(day), "firings": int(n)} for day, n in zip(of, counts, strict=True)
    ]  # fmt: skip


def per_hour(clock: Wall, before: Wall) -> Sequence[Body]:
    """Firings of each hour of the day, 0 to 23."""
    both = [np.bincount(one.hour, minlength=24) for one in (clock, before)]
    return [
        {"hour": hour, "firings": int(both[0][hour]), "before": int(both[1][hour])}
        for hour in range(24)
    ]


def per_weekday(clock: Wall, before: Wall) -> Sequence[Body]:
    """Firings of each day of the week, from Monday on."""
    both = [np.bincount(one.weekday, minlength=7) for one in (clock, before)]
    return [
        {"weekday": name, "firings": int(both[0][day]), "before": int(both[1][day])}
        for day, name in enumerate(WEEKDAYS)
    ]


def breakdowns(
    now: Firings,
    before: Firings,
    names: Mapping[str, str],
    fleet: Fleet,
    known: Callable[[str], bool],
) -> Body:
    """Firings and alerts by rule, target, server, service, tenant that is reached (of those that
    are ``known``), and severity: the most frequent, and how many there are."""

    def rule(place: int) -> Body:
        id_ = now.rules[place]
        return {"ruleId": id_, "ruleName": names.get(id_, id_)}

    def target(place: int) -> Body:
        key = now.targets[place]
        return {"target": key, "label": fleet.label(key), "vpsId": vps_of(key)}

    return {
        "byRule": _by(now, before, lambda one: one.rule, rule),
        "byTarget": _by(now, before, lambda one: one.target, target),
        "byVps": _by_word(now, before, "vpsId", vps_of, fleet.label),
        "byService": _by_word(now, before, "service", _service, None),
        "byTenant": _by_tenant(now, before, fleet, known),
        "bySeverity": _by(
            now, before, lambda one: one.severity,
            lambda place: {"severity": now.severities[place]},
        ),
    }  # fmt: skip


def _total(of: Firings) -> Body:
    return {
        "firings": len(of),
        "alerts": len(np.unique(of.alert)),
        "told": int(np.count_nonzero(of.told)),
        "acknowledged": int(np.count_nonzero(~np.isnan(of.acknowledged))),
        "open": int(np.count_nonzero(np.isnan(of.resolved))),
    }


def _service(target: str) -> str | None:
    return target.partition("/")[2].partition("/")[0] or None


def _by(
    now: Firings, before: Firings, column: Callable[[Firings], Ints], said: Callable[[int], Body]
) -> Body:
    return _ranked(column(now), now.alert, column(before), said)


def _by_word(
    now: Firings,
    before: Firings,
    name: str,
    word_of: Callable[[str], str | None],
    label: Callable[[str], str] | None,
) -> Body:
    words: dict[str, int] = {}
    place = np.array(
        [
            -1 if (word := word_of(target)) is None else words.setdefault(word, len(words))
            for target in now.targets
        ],
        dtype=np.int64,
    )
    named_ = list(words)
    mine, earlier = place[now.target], place[before.target]

    def said(of: int) -> Body:
        word = named_[of]
        return {name: word, "label": label(word)} if label else {name: word}

    return _ranked(mine[mine >= 0], now.alert[mine >= 0], earlier[earlier >= 0], said)


def _by_tenant(now: Firings, before: Firings, fleet: Fleet, known: Callable[[str], bool]) -> Body:
    """A firing counts for each tenant that it reaches."""
    tenants: dict[str, int] = {}
    sets = [
        [tenants.setdefault(t, len(tenants)) for t in sorted(one) if known(t)]
        for one in now.reached
    ]
    sizes = np.array([len(one) for one in sets], dtype=np.int64)
    flat = np.array([place for one in sets for place in one], dtype=np.int64)
    begins = np.concatenate(([0], np.cumsum(sizes)))

    def spread(of: Firings) -> tuple[Ints, Ints]:
        counts = sizes[of.reaches]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return flat[np.repeat(begins[of.reaches], counts) + within], np.repeat(of.alert, counts)

    (mine, alerts), (earlier, _) = spread(now), spread(before)
    ids = list(tenants)

    def said(place: int) -> Body:
        known = fleet.tenants.get(ids[place])
        return {"tenantId": ids[place], "label": known.label if known else ids[place]}

    return _ranked(mine, alerts, earlier, said)


def _ranked(now: Ints, alert: Ints, before: Ints, said: Callable[[int], Body]) -> Body:
    """The rows with the most firings, and how many rows there are."""
    size = 1 + max(int(now.max(initial=-1)), int(before.max(initial=-1)))
    firings = np.bincount(now, minlength=size)
    earlier = np.bincount(before, minlength=size)
    width = 1 + int(alert.max(initial=0))
    alerts = np.bincount(np.unique(now * width + alert) // width, minlength=size)
    order = [int(one) for one in np.lexsort((-earlier, -firings)) if firings[one]]
    rows = [
        {
            **said(one),
            "firings": int(firings[one]),
            "alerts": int(alerts[one]),
            "before": int(earlier[one]),
            "change": change(int(firings[one]), int(earlier[one])),
        }
        for one in order[:MOST]
    ]
    return {"rows": rows, "total": len(order)}
