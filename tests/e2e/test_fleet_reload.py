"""The inventory file changes while Healthdeck runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Installs
from tests.fleet.process import Fleet
from tests.support.browser import log_in
from tests.support.detection import only, stored
from tests.support.product import Healthdeck
from tests.support.wait import eventually

NAME, PASSWORD = "ada", "a password that is long enough"
REFUSED = "The inventory was changed and refused"
#: The file is looked at every 2 s and read when it looks the same twice; the rest is for a busy
#: machine.
SOON = 15.0


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    playing = Fleet(tmp_path, vps=3, services=2, seed=1)
    yield playing
    playing.close()


def test_an_inventory_that_changes_under_way(
    fleet: Fleet, healthdeck: Installs, page: Page
) -> None:
    # This test asks the API far more often than anybody else may.
    often = {"RATE_LIMIT": "6000 per minute", "COLLECT_INTERVAL": "1", "CHECK_TIMEOUT": "1"}
    installation = healthdeck(of(fleet, 1, 2), **often).start()
    installation.create_user(NAME, PASSWORD)
    log_in(page, installation, NAME, PASSWORD)
    with installation.client() as api:
        eventually(lambda: healthy(api) >= {"vps-1", "vps-2"}, SOON, "both are healthy")

        installation.write_inventory(of(fleet, 1, 2, 3))
        eventually(lambda: "vps-3" in healthy(api), SOON, "a new server is watched")

        installation.write_inventory(of(fleet, 1, 3))
        eventually(lambda: "vps-2" not in shown(api), SOON, "a server has left")
        assert api.get("/api/admin/health/vps/vps-2").status_code == 404
        expect(page.locator("body")).not_to_contain_text("Germany 1", timeout=SOON * 1000)
        before = changes_of(installation, "vps-2/")
        assert len(before) == 2

        refused_then_mended(installation, fleet, api, page)

        installation.write_inventory(of(fleet, 1, 2, 3))
        eventually(lambda: "vps-2" in healthy(api), SOON, "the server is back")
        after = changes_of(installation, "vps-2/")
        assert [row[:3] for row in after[: len(before)]] == [row[:3] for row in before]
        assert overlapping(after) == []


def refused_then_mended(
    installation: Healthdeck, fleet: Fleet, api: httpx.Client, page: Page
) -> None:
    """A file that is wrong changes nothing, and whoever looks learns it."""
    there = shown(api)
    wrong = of(fleet, 1, 3) + "conatcts: []\n"
    installation.write_inventory(wrong)
    expect(page.get_by_text(REFUSED)).to_be_visible(timeout=SOON * 1000)
    expect(page.get_by_text("conatcts")).to_be_visible()
    assert "inventory_refused" in installation.output()
    assert shown(api) == there
    looks = fleet.stats()["connections"]
    eventually(lambda: fleet.stats()["connections"] > looks + 8, SOON, "the old one is in force")
    installation.write_inventory(of(fleet, 1, 3) + "# mended\n")
    expect(page.get_by_text(REFUSED)).to_have_count(0, timeout=SOON * 1000)
    assert shown(api) == there


def of(fleet: Fleet, *servers: int) -> str:
    return only(fleet.inventory, {f"vps-{n}": ("backend-api", "postgres") for n in servers})


def shown(api: httpx.Client) -> set[str]:
    body = api.get("/api/admin/health/overview").json()
    return {vps["id"] for vps in body["vps"]}


def healthy(api: httpx.Client) -> set[str]:
    body = api.get("/api/admin/health/overview").json()
    return {vps["id"] for vps in body["vps"] if vps["status"] == "healthy"}


def changes_of(installation: Healthdeck, prefix: str) -> list[tuple[object, ...]]:
    """Key, status, start and end of each span of status of services, dependencies left out."""
    return stored(
        installation.database,
        "SELECT key, status, started_at, ended_at FROM status_intervals "
        "JOIN targets ON targets.id = target_id WHERE key LIKE ? AND kind = 'service' "
        "ORDER BY status_intervals.id",
        f"{prefix}%",
    )


def overlapping(rows: list[tuple[object, ...]]) -> list[object]:
    """Targets with more than one span that has not ended."""
    open_ = [key for key, _, _, ended in rows if ended is None]
    return [key for key in set(open_) if open_.count(key) > 1]
