"""What an import of rules does to those that there are. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.alerts.rules.store import Stored
from services.errors import Conflict
from services.rule import Rule


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rules of an import, and of the others: ids, in their order."""

    created: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    deleted: tuple[str, ...]


def planned(rules: Sequence[Rule], stored: Stored, replace: bool) -> Imported:
    """What an import does. Raises Conflict for rules that it may not change."""
    created, changed, unchanged, fixed = [], [], [], []
    for rule in rules:
        old = stored.file.get(rule.id) or stored.here.get(rule.id)
        if old is None:
            created.append(rule.id)
        elif old.rule == rule:
            unchanged.append(rule.id)
        elif rule.id in stored.file:
            fixed.append(rule.id)
        else:
            changed.append(rule.id)
    if fixed:
        raise Conflict(
            f"The rule '{fixed[0]}' stands in the inventory file, and differently; change it "
            "there, or leave it out here. Nothing was taken in.",
            [{"rule": id_, "problem": "stands in the inventory file"} for id_ in fixed[:20]],
        )
    named = {rule.id for rule in rules}
    # One that a rule of the file hides is not seen by anybody, and stays.
    deleted = [id_ for id_ in stored.here if id_ not in named and id_ not in stored.file]
    return Imported(
        tuple(created), tuple(changed), tuple(unchanged), tuple(deleted if replace else ())
    )
