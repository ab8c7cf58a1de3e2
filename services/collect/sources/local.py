"""The local source: the machine that Healthdeck itself runs on."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from services.host import HostReader
from services.observation import Observation

log = structlog.get_logger(__name__)


class LocalSource:
    """Reads this machine for a VPS of the inventory. ``clock``: seconds since the epoch, UTC."""

    def __init__(self, vps_id: str, clock: Callable[[], float] = time.time) -> None:
        self._vps_id = vps_id
        self._clock = clock
        self._reader = HostReader(vps_id)

    def read(self) -> Observation:
        """The machine's metrics and facts; a failure becomes the observation's error."""
        try:
            return self._reader.read(self._clock())
        except Exception as error:
            log.exception("local_source_failed", vps=self._vps_id)
            text = f"this machine could not be read: {type(error).__name__}: {error}"
            return Observation(self._vps_id, self._clock(), error=text)
