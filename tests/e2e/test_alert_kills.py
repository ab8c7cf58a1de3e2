"""A monitor that is killed in the middle of an incident tells the same of it as one that is not.
A hundred kills in `make soak`."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from tests.support.alert_kills import differences, killed, undisturbed


def test_a_killed_monitor_tells_the_same(tmp_path: Path) -> None:
    expected = undisturbed(f"sqlite:///{tmp_path}/undisturbed.db", 1)
    kinds = Counter(event.kind for event in expected.events)
    every = {"pending", "fired", "told", "withheld", "reopened", "flapping", "escalated",
             "acknowledged", "snoozed", "unsnoozed", "resolved"}  # fmt: skip
    assert every <= set(kinds), "the incident has it all"
    found, kills = killed(f"sqlite:///{tmp_path}/killed.db", 1, 5, random.Random(1))
    assert differences(expected, found, kills)[0] == []
