"""``make bench``: what Healthdeck costs and how fast it is on this machine, as one table."""

from __future__ import annotations

import platform
from collections.abc import Callable

import psutil

from tests.bench import alerts, heap, load, page, process
from tests.bench.installations import installations
from tests.bench.table import Row, table
from tests.support.product import Healthdeck

MEASUREMENTS: tuple[Callable[[Callable[..., Healthdeck]], list[Row]], ...] = (
    process.start_up,
    process.idle,
    page.emit_to_dom,
    page.overviews,
    heap.heap,
    load.overview,
    alerts.rounds,
    alerts.commits,
)


def main() -> None:
    memory = psutil.virtual_memory().total / 2**30
    print(
        f"{platform.system()} {platform.machine()}, {psutil.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}, {psutil.getloadavg()[0]:.1f} load before the start"
    )
    rows: list[Row] = []
    for measure in MEASUREMENTS:
        with installations() as install:
            rows += measure(install)
    print(table(rows))


main()
