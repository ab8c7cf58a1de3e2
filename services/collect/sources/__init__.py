"""Where the readings of a VPS come from. A source is made for one VPS and read once an interval;
it never raises: what went wrong stands in the observation's ``error``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from services.collect.sources.exporter import ExporterReader
from services.collect.sources.health import HealthReader
from services.collect.sources.local import LocalSource
from services.observation import Observation

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext


class Source(Protocol):
    """A source that may block; it is read on a thread."""

    def read(self) -> Observation:
        """One reading now."""


class RemoteSource(Protocol):
    """A source behind the network, which is read on the event loop alone."""

    async def read(self, timeout: float, context: ProbeContext) -> Observation:
        """One reading, within ``timeout`` seconds."""

    def close(self) -> None:
        """Lets go of what it keeps."""


#: How the sources of this machine are made, from the id of their VPS.
SOURCES: Mapping[str, Callable[[str], Source]] = {"local": LocalSource}

#: How the remote ones are made, from that and from what the inventory says of them. What is in
#: neither list (an agent) reports by itself.
REMOTE: Mapping[str, Callable[[str, Any], RemoteSource]] = {
    "exporter": ExporterReader,
    "health": HealthReader,
}
