"""``make bench``: what Healthdeck costs and how fast it is on this machine, as one table."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.bench import load, page, process
from tests.bench.table import Row, table
from tests.support.product import Healthdeck

MEASUREMENTS: tuple[Callable[[Callable[..., Healthdeck]], list[Row]], ...] = (
    process.start_up,
    process.idle,
    page.emit_to_dom,
    load.overview,
)


def main() -> None:
    memory = psutil.virtual_memory().total / 2**30
    print(
        f"{platform.system()} {platform.machine()}, {psutil.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}, {psutil.getloadavg()[0]:.1f} load before the start"
    )
    rows: list[Row] = []
    for measure in MEASUREMENTS:
        installed: list[Healthdeck] = []
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:

            def install(inventory: str | None = None, **env: str) -> Healthdeck:
                place = Path(folder) / str(len(installed))  # noqa: B023 - used within this turn
                place.mkdir()
                installed.append(Healthdeck(place, inventory, env))  # noqa: B023
                return installed[-1]  # noqa: B023

            try:
                rows += measure(install)
            finally:
                for one in installed:
                    one.kill()
    print(table(rows))


main()
