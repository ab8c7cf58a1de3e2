"""The reader of this machine, with the real psutil and with one that misbehaves."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from services.collect.sources.local import LocalSource
from services.host import GIB, HostReader
from services.metrics import HOST_METRICS

Times = namedtuple("Times", "user nice system idle iowait guest guest_nice")


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine whose counters the test sets; its loopback and cards lie in a folder."""
    state = SimpleNamespace(cpu=Times(100, 0, 50, 850, 0, 0, 0), cards={}, folder=tmp_path)
    monkeypatch.setattr(psutil, "cpu_times", lambda: state.cpu)
    monkeypatch.setattr(
        psutil,
        "net_io_counters",
        lambda pernic, nowrap: {
            name: SimpleNamespace(bytes_recv=got, bytes_sent=sent)
            for name, (got, sent) in state.cards.items()
        },
    )

    def card(name, flags="0x1003", device=True):
        (tmp_path / name).mkdir()
        (tmp_path / name / "flags").write_text(flags + "\n")
        if device:
            (tmp_path / name / "device").mkdir()

    state.card = card
    return state


def reader(clock, machine):
    return HostReader("vps-1", clock, machine.folder)


def test_this_machine_gives_every_metric_in_its_unit(clock):
    real = HostReader("vps-1", clock)
    clock.now += 5
    seen = real.read(1234.5)
    assert (seen.target, seen.at, seen.error) == ("vps-1", 1234.5, None)
    rates = {"system.cpu.usage", "system.network.received", "system.network.sent"}
    assert set(seen.metrics) >= {metric.name for metric in HOST_METRICS} - rates
    assert all(value >= 0 for value in seen.metrics.values())
    for name in ("memory", "disk"):
        assert 0 <= seen.metrics[f"system.{name}.usedPercent"] <= 100
    assert seen.metrics["system.memory.total"] == psutil.virtual_memory().total / GIB
    assert seen.facts["cores"] == psutil.cpu_count()
    assert {"hostname", "os", "bootTime", "fullestMount", "fullestMountPercent"} <= set(seen.facts)


def test_cpu_is_the_busy_share_of_the_time_since_the_read_before(clock, machine):
    subject = reader(clock, machine)
    for cpu, expected in [
        (Times(110, 0, 60, 930, 0, 0, 0), 20.0),
        (Times(110, 0, 60, 1000, 30, 0, 0), 0.0),  # waiting for a disk is not work
        (Times(210, 0, 60, 1000, 30, 100, 0), 100.0),  # guests are in user already
        (Times(220, 0, 60, 999, 30, 100, 0), 100.0),  # idle time may step back a little
    ]:
        clock.now += 10
        machine.cpu = cpu
        assert subject.read(0).metrics["system.cpu.usage"] == pytest.approx(expected)


def test_a_span_too_short_to_measure_gives_no_rate_and_is_not_lost(clock, machine):
    machine.card("eth0")
    machine.cards = {"eth0": (0, 0)}
    subject = reader(clock, machine)
    clock.now += 0.01
    machine.cpu = Times(101, 0, 50, 850, 0, 0, 0)
    assert not {"system.cpu.usage", "system.network.sent"} & set(subject.read(0).metrics)
    clock.now += 0.99
    machine.cpu = Times(150, 0, 50, 900, 0, 0, 0)
    machine.cards = {"eth0": (0, 100)}
    seen = subject.read(0).metrics
    assert seen["system.cpu.usage"] == pytest.approx(50)
    assert seen["system.network.sent"] == pytest.approx(100)


def test_network_counts_what_crosses_the_border_and_never_goes_negative(clock, machine):
    machine.card("lo", flags="0x9", device=False)
    machine.card("eth0")
    machine.card("docker0", device=False)
    machine.cards = {"lo": (0, 0), "eth0": (1000, 500), "docker0": (0, 0)}
    subject = reader(clock, machine)
    for cards, received, sent in [
        ({"lo": (10**9, 10**9), "eth0": (3000, 1500), "docker0": (2000, 1000)}, 200, 100),
        ({"eth0": (50, 20)}, 5, 2),  # counters began again
        ({"eth0": (50, 20)}, 0, 0),
        ({"eth0": (150, 20), "eth1": (10**12, 10**12)}, 10, 0),  # eth1 came with a history
    ]:
        if "eth1" in cards:
            machine.card("eth1")
        clock.now += 10
        machine.cards = cards
        seen = subject.read(0).metrics
        assert seen["system.network.received"] == pytest.approx(received)
        assert seen["system.network.sent"] == pytest.approx(sent)


def test_inside_a_container_every_card_but_the_loopback_counts(clock, machine):
    machine.card("lo", flags="0x9", device=False)
    machine.card("eth0", device=False)
    machine.cards = {"lo": (0, 0), "eth0": (0, 0)}
    subject = reader(clock, machine)
    clock.now += 10
    machine.cards = {"lo": (900, 900), "eth0": (100, 50)}
    assert subject.read(0).metrics["system.network.received"] == pytest.approx(10)


@pytest.mark.parametrize(
    ("call", "lost"),
    [
        ("cpu_times", {"system.cpu.usage"}),
        ("virtual_memory", {f"system.memory.{it}" for it in ("used", "total", "usedPercent")}),
        ("disk_usage", {f"system.disk.{it}" for it in ("used", "total", "usedPercent")}),
        ("getloadavg", {"system.load.1m"}),
        ("net_io_counters", {"system.network.received", "system.network.sent"}),
        ("boot_time", set()),
        ("disk_partitions", set()),
    ],
)
def test_one_failing_call_costs_its_own_metrics_only(clock, machine, monkeypatch, call, lost):
    def broken(*_args, **_more):
        raise PermissionError("not for you")

    machine.card("eth0")
    machine.cards = {"eth0": (0, 0)}
    monkeypatch.setattr(psutil, call, broken)
    subject = reader(clock, machine)
    clock.now += 10
    machine.cpu = Times(110, 0, 60, 930, 0, 0, 0)
    seen = subject.read(0)
    assert set(seen.metrics) == {metric.name for metric in HOST_METRICS} - lost
    assert "PermissionError: not for you" in str(seen.facts["unreadable"])
    assert seen.error is None


def test_the_fullest_mount_is_named_and_images_are_not(clock, machine, monkeypatch, tmp_path):
    shares = {"/": 40.0, "/var": 91.4, "/snap/core": 100.0, "/cdrom": 100.0, "/gone": 99.0}

    def disk_usage(path):
        if path == "/gone":
            raise PermissionError
        return SimpleNamespace(used=GIB, total=2 * GIB, percent=shares[path])

    mounts = [
        ("/dev/sda1", "/", "ext4", "rw"),
        ("/dev/sdb1", "/var", "ext4", "rw,noatime"),
        ("/dev/loop1", "/snap/core", "squashfs", "ro"),
        ("/dev/sr0", "/cdrom", "ext4", "ro,nosuid"),
        ("/dev/sdc1", "/gone", "ext4", "rw"),
    ]
    monkeypatch.setattr(psutil, "disk_usage", disk_usage)
    monkeypatch.setattr(
        psutil,
        "disk_partitions",
        lambda **_: [
            SimpleNamespace(device=device, mountpoint=at, fstype=kind, opts=options)
            for device, at, kind, options in mounts
        ],
    )
    monkeypatch.setattr(Path, "is_dir", lambda _self: True)
    seen = reader(clock, machine).read(0)
    assert (seen.facts["fullestMount"], seen.facts["fullestMountPercent"]) == ("/var", 91)
    assert seen.metrics["system.disk.usedPercent"] == 40.0


def test_nothing_readable_at_all_is_an_error(clock, machine, monkeypatch):
    def broken(*_args, **_more):
        raise OSError("gone")

    for call in ("cpu_times", "virtual_memory", "disk_usage", "getloadavg", "net_io_counters"):
        monkeypatch.setattr(psutil, call, broken)
    seen = reader(clock, machine).read(7.0)
    assert seen.metrics == {}
    assert seen.error is not None
    assert "memory (OSError: gone)" in seen.error


def test_the_local_source_turns_a_failure_into_an_error(monkeypatch):
    def broken(_self, _now):
        raise RuntimeError("no such machine")

    monkeypatch.setattr(HostReader, "read", broken)
    seen = LocalSource("vps-1", clock=lambda: 42.0).read()
    assert (seen.target, seen.at) == ("vps-1", 42.0)
    assert seen.error == "this machine could not be read: RuntimeError: no such machine"
