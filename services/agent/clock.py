"""The machine's clocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _steady() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _boot() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii")[:8]
    except OSError:
        return ""


@dataclass(frozen=True)
class Clock:
    """``wall``: seconds since the epoch, which somebody may set at any moment. ``steady``:
    seconds since the machine was started, which nobody can set and which count through a
    suspend. ``boot`` names the start that they count from; empty when that is not known."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = _steady
    boot: Callable[[], str] = _boot
