"""What a node_exporter's page says of its machine, and what of it is believed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.collect.sources.exporter import FAMILIES, Machine
from services.collect.sources.exposition import Wanted
from services.host import GIB
from tests.fleet.exporter import Exporter

WANTED = Wanted("node_", FAMILIES)

CPU = """\
node_cpu_seconds_total{cpu="0",mode="idle"} %s
node_cpu_seconds_total{cpu="0",mode="iowait"} %s
node_cpu_seconds_total{cpu="0",mode="user"} %s
"""
MEMORY = f"node_memory_MemTotal_bytes {8 * GIB}\nnode_memory_MemAvailable_bytes {2 * GIB}\n"
DISK = """\
node_filesystem_size_bytes{device="/dev/a",fstype="ext4",mountpoint="/"} 107374182400
node_filesystem_free_bytes{device="/dev/a",fstype="ext4",mountpoint="/"} 64424509440
node_filesystem_avail_bytes{device="/dev/a",fstype="ext4",mountpoint="/"} 60129542144
node_filesystem_size_bytes{device="/dev/b",fstype="xfs",mountpoint="/var lib"} 1000
node_filesystem_free_bytes{device="/dev/b",fstype="xfs",mountpoint="/var lib"} 100
node_filesystem_avail_bytes{device="/dev/b",fstype="xfs",mountpoint="/var lib"} 100
node_filesystem_size_bytes{device="tmpfs",fstype="tmpfs",mountpoint="/run"} 10
node_filesystem_free_bytes{device="tmpfs",fstype="tmpfs",mountpoint="/run"} 0
node_filesystem_avail_bytes{device="tmpfs",fstype="tmpfs",mountpoint="/run"} 0
"""
NETWORK = """\
node_network_receive_bytes_total{device="lo"} 9e9
node_network_receive_bytes_total{device="eth0"} %s
node_network_receive_bytes_total{device="veth12"} %s
node_network_transmit_bytes_total{device="lo"} 9e9
node_network_transmit_bytes_total{device="eth0"} 5
"""
REST = """\
node_load1 0.75
node_boot_time_seconds 1.7e+09
node_uname_info{machine="x86_64",nodename="web-1",release="6.1",sysname="Linux"} 1
"""


class Scrapes:
    """One machine and its clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.machine = Machine(lambda: self.now)

    def __call__(self, page: str, after: float = 10.0):
        self.now += after
        return self.machine.read(WANTED.read(page.encode()))


@pytest.fixture
def scrape() -> Scrapes:
    return Scrapes()


def page(cpu=(100, 10, 50), network=(1000, 1000), memory=MEMORY, disk=DISK, rest=REST) -> str:
    return CPU % cpu + memory + disk + NETWORK % network + rest


def test_everything(scrape):
    metrics, facts = scrape(page())
    assert metrics == {
        "system.memory.used": 6.0,
        "system.memory.total": 8.0,
        "system.memory.usedPercent": 75.0,
        "system.disk.used": 40.0,
        "system.disk.total": 100.0,
        "system.disk.usedPercent": pytest.approx(100 * 40 / 96),
        "system.load.1m": 0.75,
    }, "no rate at the first scrape"
    assert facts == {
        "cores": 1,
        "hostname": "web-1",
        "os": "Linux 6.1",
        "bootTime": 1_700_000_000,
        "fullestMount": "/var lib",
        "fullestMountPercent": 90,
    }
    metrics, _ = scrape(page(cpu=(106, 11, 53), network=(3000, 99999)))
    assert metrics["system.cpu.usage"] == pytest.approx(30), "idle and iowait are not work"
    assert metrics["system.network.received"] == pytest.approx(200), "eth0 alone, over 10 s"
    assert metrics["system.network.sent"] == 0


@pytest.mark.parametrize(
    ("why", "after", "expected"),
    [
        ("began again at zero", (2, 0, 8), 80),
        ("the kernel corrects iowait downwards", (105, 9, 55), 50),
        ("nothing was counted", (100, 10, 50), None),
        ("all of it idle", (110, 10, 50), 0),
    ],
)
def test_counters_that_do_not_simply_grow(scrape, why, after, expected):
    scrape(page())
    metrics, _ = scrape(page(cpu=after))
    assert metrics.get("system.cpu.usage") == (expected and pytest.approx(expected)), why


def test_a_network_counter_that_began_again(scrape):
    scrape(page(network=(5000, 0)))
    metrics, _ = scrape(page(network=(400, 0)))
    assert metrics["system.network.received"] == pytest.approx(40)


def test_two_scrapes_at_once_give_no_rate(scrape):
    scrape(page())
    metrics, _ = scrape(page(cpu=(101, 10, 51)), after=0.01)
    assert "system.cpu.usage" not in metrics
    metrics, _ = scrape(page(cpu=(104, 10, 56)))
    assert metrics["system.cpu.usage"] == pytest.approx(60), "since the first"


def test_without_a_root_the_fullest_counts(scrape):
    metrics, _ = scrape(page(disk=DISK.replace('"/"', '"/data"')))
    assert metrics["system.disk.usedPercent"] == pytest.approx(90)


@pytest.mark.parametrize(
    ("memory", "reason"),
    [
        ("", "node_memory_MemTotal_bytes is missing"),
        (MEMORY + MEMORY, "node_memory_MemTotal_bytes says the same sample twice"),
        (MEMORY.replace(str(8 * GIB), "NaN"), "node_memory_MemTotal_bytes is not a number"),
        (MEMORY.replace(str(2 * GIB), "+Inf"), "node_memory_MemAvailable_bytes is not a number"),
        (MEMORY.replace(str(2 * GIB), "-5"), "node_memory_MemAvailable_bytes is negative"),
        (
            MEMORY.replace(str(2 * GIB), "lots"),
            "node_memory_MemAvailable_bytes has a line that is not in the text format",
        ),
        (
            MEMORY.replace("Available_bytes", 'Available_bytes{a="b} '),
            "node_memory_MemAvailable_bytes has a line that is not in the text format",
        ),
        (
            MEMORY + 'node_memory_MemTotal_bytes{node="1"} 5\n',
            "node_memory_MemTotal_bytes has 2 samples where one was expected",
        ),
        (
            MEMORY.replace(str(2 * GIB), "9e99"),
            "node_memory_MemAvailable_bytes is more than node_memory_MemTotal_bytes, or that is 0",
        ),
    ],
)
def test_what_cannot_be_used_is_left_out_and_named(scrape, memory, reason):
    metrics, facts = scrape(page(memory=memory))
    assert not any(name.startswith("system.memory") for name in metrics)
    assert facts["unreadable"] == reason
    assert metrics["system.load.1m"] == 0.75, "the rest counts"
    assert metrics["system.disk.total"] == 100


@pytest.mark.parametrize("bad", ["NaN", "-1", "+Inf", "x"])
def test_bad_values_in_every_family(scrape, bad):
    lines = [f"{line.rpartition(' ')[0]} {bad}" for line in page().splitlines()]
    for _ in range(2):
        metrics, facts = scrape("\n".join(lines))
        assert metrics == {}
        assert "node_cpu_seconds_total" in facts["unreadable"]


def by_library(text: str) -> dict[str, dict[tuple, float]]:
    found: dict[str, dict[tuple, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in FAMILIES:
                found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = (
                    sample.value
                )
    return found


AWKWARD = r"""
# HELP node_load1 1m load average. node_load1 7
# TYPE node_load1 gauge
node_load1 0.5 1700000000000
node_load15 9
node_load1_other{a="b"} 9
xnode_load1 9
node_cpu_seconds_total{ cpu = "0" , mode="idle", } 1.5e+03
node_cpu_seconds_total{mode="us}er",cpu="0"} 2
node_cpu_seconds_total {mode="system",cpu="0"}	3
node_filesystem_size_bytes{device="a\\b",mountpoint="/x \"y\" {z}\n",fstype=""} 1E3
node_boot_time_seconds +5
node_memory_MemTotal_bytes   6
"""


@pytest.mark.parametrize("text", [page(), AWKWARD], ids=["usual", "awkward"])
def test_it_reads_what_the_formats_own_library_reads(text):
    ours = {name: family.samples for name, family in WANTED.read(text.encode()).items()}
    assert ours == by_library(text)
    assert not any(family.garbled for family in WANTED.read(text.encode()).values())


def test_it_reads_the_simulated_fleet_as_the_library_does():
    life = SimpleNamespace(
        name="n", cores=4, boot=0.0, memory_total=8.0 * GIB, disk_total=80.0 * GIB,
        busy_seconds=lambda at: at / 3, memory=lambda _: 0.4, disk=lambda _: 0.6,
        load=lambda _: 1.25, received=lambda at: 1000 * at, sent=lambda at: 10 * at,
    )  # fmt: skip
    text = Exporter(life).page(5000.0).decode()  # type: ignore[arg-type]
    ours = {name: family.samples for name, family in WANTED.read(text.encode()).items()}
    assert ours == by_library(text)
    assert set(ours) == set(FAMILIES)
