"""Agents that come back all at once, against the hub as a process: the small form of
``python -m tests.bench.returning``."""

from __future__ import annotations

from contextlib import closing

from tests.bench.returning import READINGS, Absent, come_back
from tests.conftest import Installs
from tests.support.detection import enroll

AGENTS = 20


def test_agents_that_come_back_at_once(healthdeck: Installs) -> None:
    """Everything that they kept is stored, each reading once, and requests are answered."""
    ids = [f"vps-{number}" for number in range(1, AGENTS + 1)]
    entries = "".join(f"  - {{id: {vps_id}, source: {{type: agent}}}}\n" for vps_id in ids)
    hub = healthdeck(f"vps:\n{entries}").start()
    tokens = enroll(hub, hub.token("super_admin"), ids)
    with closing(Absent(hub.url, tokens, interval=1.0)) as absent:
        found = come_back(hub, absent, ids[0], away=0.0, limit=45)
    assert found.kept == READINGS * AGENTS
    assert found.told >= found.kept
    assert (found.missing, found.stored, found.counts["failed"]) == (0, found.told, 0)
    assert found.looks.took
    assert not found.looks.wrong
