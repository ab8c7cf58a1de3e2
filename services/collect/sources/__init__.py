"""Where the readings of a VPS come from. A source is made for one VPS and read once an
interval; ``read`` may block (it runs on a thread of its own) and never raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from services.collect.sources.local import LocalSource
from services.observation import Observation


class Source(Protocol):
    def read(self) -> Observation:
        """One reading now; what went wrong stands in the observation's ``error``."""


#: How the source of each kind in the inventory is made, from the id of its VPS.
SOURCES: Mapping[str, Callable[[str], Source]] = {"local": LocalSource}
