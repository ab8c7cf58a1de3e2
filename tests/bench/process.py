"""The process itself: how soon it answers, and what it costs while nothing happens."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import httpx
import psutil

from tests.bench.table import Row
from tests.support.product import Healthdeck
from tests.support.wait import eventually, until

STARTS = 5
IDLE_SECONDS = 60


def start_up(install: Callable[..., Healthdeck]) -> list[Row]:
    """From the start of ``python app.py`` to the first 200 of /healthz, with a database that is
    there already (the second ``make run``): the median of some starts."""
    installation = install().start()
    took = []
    for _ in range(STARTS):
        installation.stop()
        began = time.monotonic()
        installation.launch()
        eventually(
            lambda: httpx.get(f"{installation.url}/healthz", timeout=30).status_code == 200,
            30,
            "the first answer",
            every=0.01,
        )
        took.append(time.monotonic() - began)
    median = statistics.median(took)
    return [Row("start to first answer", f"{median:.2f} s", "< 5 s", median < 5)]


def idle(install: Callable[..., Healthdeck]) -> list[Row]:
    """CPU time over wall time, and resident memory at the end, of the process and its children
    with the default settings (the machine itself every 30 s) and nobody looking."""
    installation = install().start()
    assert installation.process is not None
    root = psutil.Process(installation.process.pid)
    began, before = time.monotonic(), _cpu(root)
    until(time.time() + IDLE_SECONDS)
    share = (_cpu(root) - before) / (time.monotonic() - began) * 100
    resident = sum(one.memory_info().rss for one in _tree(root)) / 2**20
    return [
        Row(f"CPU while idle ({IDLE_SECONDS} s)", f"{share:.2f} % of a core", "< 2 %", share < 2),
        Row(f"RSS after {IDLE_SECONDS} s", f"{resident:.0f} MB", "< 200 MB", resident < 200),
    ]


def _tree(root: psutil.Process) -> list[psutil.Process]:
    return [root, *root.children(recursive=True)]


def _cpu(root: psutil.Process) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in _tree(root))
