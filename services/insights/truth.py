"""Which firings were no trouble: marked so by an operator, or found so by what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.annotations import AnnotationRow
from services.alerts.quiet.now import Deployment, Quiet, Subject
from services.alerts.quiet.schedules import Span
from services.insights.firings import Bools, Firings
from services.inventory.fleet import Fleet

DEFINITION = (
    "A firing counts as a false positive when an operator resolved its alert with falsePositive "
    "(marked), or else when it resolved itself, unacknowledged, within {minutes:g} minutes "
    "(selfResolved) or within the {grace:g} minutes after a deployment in which it also fired "
    "(deployment); one that an operator resolved with falsePositive false is real. The mark is "
    "that of the alert's latest resolution: reopening takes it back. Precision: the percentage of "
    "resolved firings that were real."
)

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Truth:
    """Of each firing whether it is over, and whether it is a false positive and why; at most one
    of the three."""

    over: Bools
    marked: Bools
    self_resolved: Bools
    deployment: Bools

    @property
    def false(self) -> Bools:
        return self.marked | self.self_resolved | self.deployment

    def between(self, chosen: Bools) -> Truth:
        """Of some of the firings."""
        return Truth(
            self.over[chosen], self.marked[chosen], self.self_resolved[chosen],
            self.deployment[chosen],
        )  # fmt: skip


def truth(found: Firings, soon: float, deployed: Bools) -> Truth:
    """What is known of each firing. ``soon``: seconds within which what ends by itself was
    nothing; ``deployed``: it fired and ended in a deployment's grace."""
    over = ~np.isnan(found.resolved)
    marked = over & (found.marked == 1)
    unseen = over & ~found.by_hand & np.isnan(found.acknowledged) & (found.marked == -1)
    short = unseen & (found.lasted <= soon)
    return Truth(over, marked, short & ~deployed, unseen & deployed)


def deployed(session: Session, found: Firings, fleet: Fleet, grace: float) -> Bools:
    """Which firings began and ended within ``grace`` seconds after a deployment that their target
    was part of, as the deployment withholds messages (services.alerts.quiet)."""
    hit = np.zeros(len(found), dtype=bool)
    if not len(found) or grace <= 0:
        return hit
    first, last = float(found.opened[0]), float(found.opened[-1])
    query = select(AnnotationRow).where(
        AnnotationRow.kind == "deployment",
        AnnotationRow.at > first - grace,
        AnnotationRow.at <= last,
    )
    for row in session.scalars(query):
        begin, past = np.searchsorted(found.opened, (row.at, row.at + grace))
        near = np.arange(begin, past)
        near = near[found.resolved[near] <= row.at + grace]
        if not len(near):
            continue
        span = Span(row.at, row.at + grace)
        of = Deployment(row.id, row.text, row.vps_id, row.tenant_id, span)
        quiet = Quiet(deployments=[of])
        for place in near[~hit[near]]:
            subject = _subject(found, int(place), fleet)
            hit[place] = quiet.reason(subject, float(found.opened[place])) is not None
    return hit


def by_rule(
    found: Firings, told: Truth, names: Mapping[str, str], messages: Mapping[str, int]
) -> Sequence[Body]:
    """Each rule with its firings, messages, share that was acknowledged and share of false
    positives (percent)."""
    sent = np.zeros(len(found.alerts), dtype=np.int64)
    for alert in np.unique(found.alert).tolist():
        sent[alert] = messages.get(found.alerts[alert], 0)
    rows = []
    for place in np.unique(found.rule):
        mine = found.rule == place
        of, alerts = told.between(mine), np.unique(found.alert[mine])
        id_ = found.rules[int(place)]
        acknowledged = np.count_nonzero(~np.isnan(found.acknowledged[mine]))
        rows.append(
            {
                "ruleId": id_,
                "ruleName": names.get(id_, id_),
                "firings": int(np.count_nonzero(mine)),
                "alerts": len(alerts),
                "told": int(np.count_nonzero(found.told[mine])),
                "messages": int(sent[alerts].sum()),
                "acknowledgedShare": share(int(acknowledged), int(np.count_nonzero(mine))),
                **counts(of),
            }
        )
    rows.sort(key=lambda row: (-row["messages"], -row["told"], -row["firings"], row["ruleId"]))
    return rows


def counts(of: Truth) -> Body:
    """How many are over and how many of them were false, by kind, with shares in percent."""
    over, false = int(np.count_nonzero(of.over)), int(np.count_nonzero(of.false))
    return {
        "resolved": over,
        "falsePositives": {
            "marked": int(np.count_nonzero(of.marked)),
            "selfResolved": int(np.count_nonzero(of.self_resolved)),
            "deployment": int(np.count_nonzero(of.deployment)),
        },
        "falsePositiveShare": share(false, over),
        "precision": share(over - false, over),
    }


def share(part: int, of: int) -> float | None:
    """Percent; None of nothing."""
    return round(100 * part / of, 1) if of else None


def _subject(found: Firings, place: int, fleet: Fleet) -> Subject:
    rule = found.rules[int(found.rule[place])]
    return Subject.of(
        rule, rule, found.severities[int(found.severity[place])],
        found.targets[int(found.target[place])], found.reached[int(found.reaches[place])], fleet,
    )  # fmt: skip
