"""Which rows of servers a browser is sent: those that are others than what it has drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.observation import Status
from services.views.model import Gauge, Instance, VpsCard
from services.views.roster import roster

CPU = Gauge("CPU", 34.4, None, None, "%", (30.0, None, 34.44), hot=False)
CARD = VpsCard(
    id="vps-1", name="Netherlands 1", region="nl-west", status=Status.HEALTHY, reason="all well",
    since=0.0, measured=True, seen_at=12.0, interval=30.0, cores=4,
    cpu=CPU,
    memory=None, disk=None, load=0.42, network_in=2.0, network_out=None,
    services=(
        Instance("vps-1/api", "api", "vps-1", Status.UNHEALTHY, "refused", 0.0, 24.04, None, {}),
    ),
    tenants=("acme",), tenant_names=("ACME Corp",),
)  # fmt: skip
OTHER = replace(CARD, id="vps-2")


def ids(body: dict[str, Any] | None) -> tuple[list[str], bool]:
    """Whose rows were sent, and whether they are all there are."""
    assert body is not None
    return [row["id"] for row in body["rows"]], body["whole"]


def test_a_row_holds_what_its_card_shows():
    (row,) = roster(None, [CARD], full=True).rows.values()
    assert (row["cpu"], row["memory"], row["hot"]) == (34, None, [])
    assert row["gauges"]["cpu"]["course"] == [30.0, None, 34.4]
    assert row["services"] == [1, 1]
    assert row["runs"][0] == {
        "name": "api", "status": "unhealthy", "why": "refused", "took": 24.0,
    }  # fmt: skip
    assert row["tenants"] == [("acme", "ACME Corp")]
    assert row["why"] == "", "a healthy card needs no reason"


def test_a_short_row_stays_the_same_while_nothing_that_it_shows_moves():
    first = roster(None, [CARD], full=False)
    later = replace(CARD, seen_at=42.0, load=0.44, network_in=9.0, cpu=replace(CPU, percent=34.3))
    assert roster(first, [later], full=False).since(first.stamp) is None


def test_a_browser_gets_what_changed_since_it_drew():
    first = roster(None, [CARD, OTHER], full=True)
    assert ids(first.since(None)) == (["vps-1", "vps-2"], True)
    assert first.since(first.stamp) is None
    down = replace(OTHER, status=Status.UNHEALTHY)
    second = roster(first, [CARD, down], full=True)
    assert ids(second.since(first.stamp)) == (["vps-2"], False)
    third = roster(second, [replace(CARD, load=2.0), down], full=True)
    assert ids(third.since(second.stamp)) == (["vps-1"], False)
    assert ids(third.since(first.stamp)) == (["vps-1", "vps-2"], False)


def test_another_fleet_is_sent_as_a_whole():
    first = roster(None, [CARD, OTHER], full=True)
    for servers, full in (([CARD], True), ([OTHER, CARD], True), ([CARD, OTHER], False)):
        answer = roster(first, servers, full=full).since(first.stamp)
        assert ids(answer) == ([card.id for card in servers], True)


@pytest.mark.parametrize(
    "stamp", [None, "", 7, [], "x", "other.1", "other.99", ".", "1", "9" * 30, {}]
)
def test_a_browser_that_tells_nonsense_gets_everything(stamp):
    assert ids(roster(None, [CARD], full=True).since(stamp)) == (["vps-1"], True)
