"""Installations of Healthdeck for one measurement, ended after it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.product import Healthdeck


@contextmanager
def installations() -> Iterator[Callable[..., Healthdeck]]:
    """``install(inventory, **environment)`` makes one, in a folder of its own."""
    installed: list[Healthdeck] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:

        def install(inventory: str | None = None, **env: str) -> Healthdeck:
            place = Path(folder) / str(len(installed))
            place.mkdir()
            installed.append(Healthdeck(place, inventory, env))
            return installed[-1]

        try:
            yield install
        finally:
            for one in installed:
                one.kill()
