"""The list of servers and a server's page in a real Chromium: a server is added and its agent
started by the command that was shown, a real process restarted through it, its log followed."""

from __future__ import annotations

import gzip
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from services.agent.archive import agent_archive
from tests.support.agent_hub import AgentProcess
from tests.support.browser import Watch, log_in
from tests.support.product import Healthdeck
from tests.support.wait import eventually
from tests.support.web import Answer, LocalServer, health

NAME, OTHER, PASSWORD = "ada", "bob", "a password that is long enough"
INVENTORY = """
vps:
  - id: vps-1
    name: Netherlands 1
    region: nl-west
    source: {type: agent}
    services: [{name: worker, type: worker}]
    tenants: [acme]
tenants:
  - {id: acme, organizationName: ACME Corp}
"""

#: What systemctl and journalctl do here, with a real process behind them.
SYSTEMCTL = """#!/bin/sh
kill "$(cat {folder}/pid)"
{start}
echo "restarted $2"
"""
START = (
    "setsid {python} -c 'import time; print(\"worker began\", flush=True); time.sleep(600)' "
    ">> {folder}/log 2>&1 < /dev/null & echo $! > {folder}/pid"
)
JOURNALCTL = '#!/bin/sh\nexec tail -n 200 "{folder}/log"\n'


@dataclass
class Machine:
    """A machine with one service, a real process."""

    folder: Path

    def begin(self) -> None:
        start = START.format(python=sys.executable, folder=self.folder)
        tools = {"systemctl": SYSTEMCTL.format(folder=self.folder, start=start),
                 "journalctl": JOURNALCTL.format(folder=self.folder)}  # fmt: skip
        (self.folder / "bin").mkdir()
        for name, script in tools.items():
            (self.folder / "bin" / name).write_text(script)
            (self.folder / "bin" / name).chmod(0o755)
        (self.folder / "agent.pyz").write_bytes(agent_archive())
        os.system(f"({start})")
        eventually(lambda: "worker began" in self.log.read_text(), 10, "the process begins")

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def pid(self) -> int:
        return int((self.folder / "pid").read_text())

    def runs(self, pid: int) -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state != "Z"

    def agent(self, hub: str, token: str) -> AgentProcess:
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        return AgentProcess(
            self.folder / "agent.pyz", hub, self.folder / "state",
            *("--allow", "restart:backend.service", "logs:backend.service"), interval=1,
            env={"HEALTHDECK_TOKEN": token, "PATH": path},
        ).start()  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    made.begin()
    yield made
    os.kill(made.pid, 9)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Healthdeck]:
    """An installation with a server that has a past, with a gap of an hour in it."""
    installation = Healthdeck(
        tmp_path_factory.mktemp("vps"), INVENTORY, {"COLLECT_INTERVAL": "2"}
    ).start()
    installation.create_user(NAME, PASSWORD, "super_admin")
    installation.create_user(OTHER, PASSWORD)
    with installation.client("super_admin") as api:
        token = api.post("/api/admin/agents", json={"vpsId": "vps-1"}).json()["token"]
        report_the_past(api, token)
    yield installation
    installation.kill()


def report_the_past(api: httpx.Client, token: str) -> None:
    """Six hours of readings each two minutes, without those from 4 h to 3 h ago."""
    now = time.time()
    ages = [age for age in range(6 * 3600, 0, -120) if not 3 * 3600 < age < 4 * 3600]
    readings = [
        {"seq": n + 1, "at": now - age, "facts": {},
         "metrics": {"system.cpu.usage": 30.0 + n % 7, "system.load.1m": 0.5}}
        for n, age in enumerate(ages)
    ]  # fmt: skip
    report = {"stream": "past", "sentAt": now, "observations": readings, "agent": "1.0"}
    answer = api.post(
        "/api/agent/v1/report",
        content=gzip.compress(json.dumps(report).encode()),
        headers={"Authorization": f"Bearer {token}", "Content-Encoding": "gzip"},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["accepted"] == len(readings), answer.text


def figure(page: Page, name: str) -> Any:
    """What plotly draws in a panel: its values and the range of its time axis."""
    return page.evaluate(
        """(name) => {
          const plot = document.querySelector(`[data-chart="${name}"] .js-plotly-plot`);
          const axis = plot && plot._fullLayout && plot._fullLayout.xaxis;
          if (!axis || !plot.data.length) return null;
          return {y: Array.from(plot.data[0].y), range: axis.range.map((one) => axis.d2c(one))};
        }""",
        name,
    )


def span(page: Page, name: str) -> float:
    start, end = figure(page, name)["range"]
    return float(end - start) / 1000


def test_a_server_is_added_its_service_restarted_and_its_log_followed(
    site: Healthdeck, page: Page, machine: Machine, serving: Callable[[Answer], LocalServer]
) -> None:
    service = serving(health())
    log_in(page, site, NAME, PASSWORD)
    page.goto(f"{site.url}/health/vps?add=1")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Germany 1")
    dialog.get_by_role("button", name="Add the server").click()
    expect(dialog.get_by_role("alert")).to_contain_text("It has no id")
    dialog.get_by_label("Id").fill("vps-new")
    dialog.get_by_label("Service", exact=True).fill("backend-api")
    dialog.get_by_label("Address").last.fill(f"{service.url}/health")
    dialog.get_by_label("systemd unit").fill("backend.service")
    dialog.get_by_label("ACME Corp").check()
    dialog.get_by_role("button", name="Add the server").click()
    command = dialog.locator("#vps-command").inner_text()
    assert f"curl -fsS {site.url}/agent.pyz" in command
    expect(dialog.get_by_role("button", name="Copy")).to_be_visible()
    token = re.findall(r"--token (\S+)", command)[0]
    agent = machine.agent(site.url, token)
    try:
        dialog.get_by_role("link", name="Open Germany 1").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("VPS Health: Germany 1")
        # The machine is this one, whose CPU may be past its limit.
        well = re.compile("healthy|degraded")
        expect(page.locator(".vps-top")).to_have_attribute("data-status", well)
        line = page.locator('[data-instance="vps-new/backend-api"]')
        expect(line).to_have_attribute("data-status", "healthy")
        expect(page.get_by_test_id("tenant-list")).to_contain_text("ACME Corp")
        the_restart(page, machine)
        the_log(page, machine)
    finally:
        agent.kill()
    the_removal(page)


def the_restart(page: Page, machine: Machine) -> None:
    before = machine.pid
    page.get_by_role("button", name="Restart… backend-api").click()
    dialog = page.get_by_role("dialog")
    go = dialog.get_by_role("button", name="Restart", exact=True)
    dialog.get_by_role("textbox").fill("backend")
    expect(go).to_be_disabled()
    dialog.get_by_role("textbox").fill("backend-api")
    go.click()
    expect(dialog.locator("[data-job-state=done]")).to_contain_text("restarted backend.service")
    expect(go).to_be_disabled()
    assert machine.pid != before
    assert machine.runs(machine.pid)
    eventually(lambda: not machine.runs(before), 10, "the old process is gone")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)


def the_log(page: Page, machine: Machine) -> None:
    page.get_by_role("button", name="Log backend-api").click()
    drawer = page.locator(".log-drawer")
    shown = drawer.get_by_label("The log", exact=True)
    expect(shown).to_contain_text("worker began")
    with machine.log.open("a") as log:
        log.write("order 4711 failed\n")
    drawer.get_by_label("Follow").check()
    expect(shown).to_contain_text("order 4711 failed")
    expect(drawer.get_by_role("status").last).to_contain_text("following")
    drawer.get_by_label("Search the log").fill("BEGAN")
    expect(shown.locator("mark")).to_have_count(2)
    expect(drawer).to_contain_text("2 places")
    with page.expect_download() as download:
        drawer.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "vps-new-backend-api.log"
    assert "order 4711 failed" in download.value.path().read_text()
    drawer.get_by_role("button", name="Close").click()
    expect(drawer).to_have_count(0)


def the_removal(page: Page) -> None:
    page.get_by_role("button", name="Take this server off the list").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("vps-new")
    dialog.get_by_role("button", name="Take it off").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("VPS Health")
    rows = page.locator(".vps-table .ag-row")
    expect(rows.filter(has_text="Netherlands 1")).to_be_visible()
    expect(rows.filter(has_text="Germany 1")).to_have_count(0)


def test_charts_have_gaps_zoom_together_and_step_back(site: Healthdeck, page: Page) -> None:
    log_in(page, site, NAME, PASSWORD)
    page.goto(f"{site.url}/health/vps/vps-1?range=6h")
    eventually(lambda: figure(page, "vps-cpu"), 40, "the chart is drawn")
    values = figure(page, "vps-cpu")["y"]
    assert None in values, "an hour without readings is no line"
    assert len([one for one in values if one is not None]) > 100
    assert span(page, "vps-cpu") == pytest.approx(6 * 3600, rel=0.01)
    box = page.locator('[data-chart="vps-cpu"] .nsewdrag').first.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.6, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, y, steps=6)
    page.mouse.up()
    eventually(lambda: span(page, "vps-load") < 3 * 3600, 20, "the others are zoomed too")
    eventually(
        lambda: (
            figure(page, "vps-cpu")["y"][0] is not None and len(figure(page, "vps-cpu")["y"]) < 70
        ),
        20,
        "the points are those of the range alone",
    )
    page.get_by_role("button", name="Step back").click()
    eventually(lambda: span(page, "vps-load") > 5 * 3600, 20, "and back")
    page.get_by_text("7 d", exact=True).click()
    expect(page).to_have_url(re.compile(r"range=7d"))
    eventually(lambda: span(page, "vps-cpu") > 6 * 86400, 20, "another range")
    page.reload()
    eventually(lambda: span(page, "vps-cpu") > 6 * 86400, 20, "which the address keeps")


def test_who_is_no_chief_reads_and_nothing_is_wider_than_a_phone(
    site: Healthdeck, page: Page, watch: Watch
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page, site, OTHER, PASSWORD)
    page.goto(f"{site.url}/health/vps?add=1")
    row = page.locator(".vps-table .ag-row", has_text="Netherlands 1")
    expect(row).to_be_visible()
    expect(page.get_by_role("button", name="Add a server")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)
    search = page.locator("[data-search]")
    search.fill("nowhere")
    expect(page.get_by_text("No server matches.")).to_be_visible()
    search.fill("nl-west")
    expect(page).to_have_url(re.compile(r"q=nl-west"))
    assert_no_wider(page)
    row.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("VPS Health: Netherlands 1")
    expect(page.get_by_test_id("service-list")).to_contain_text("worker")
    expect(page.get_by_role("button", name="Restart… worker")).to_have_count(0)
    assert_no_wider(page)
    page.get_by_role("button", name="Log worker").click()
    expect(page.locator(".log-trouble")).to_contain_text("What the service 'worker' is")
    page.goto(f"{site.url}/health/vps/vps-none")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")


def assert_no_wider(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
