"""One line of what the doctor says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "broken", "off"]

#: Seconds to wait for an answer.
PATIENCE = 3.0


@dataclass(frozen=True)
class Finding:
    """``state``: ok; warning (it works, for now); broken; off (not set up, or not running)."""

    name: str
    state: State
    text: str


def line(error: BaseException) -> str:
    """What an error says, in one line."""
    return (str(error).strip() or repr(error)).splitlines()[0]
