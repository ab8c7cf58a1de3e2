"""A caller, once we know who it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

#: The tenants that a caller may know of; None: everything.
Scope = frozenset[str] | None

#: ``admin`` reads everything and handles alerts; ``super_admin`` also changes the installation.
ROLES = ("admin", "super_admin")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling. ``key`` names this login or token without being a secret: whoever holds
    sockets open closes those of a key on SessionEnded, or at ``expires_at`` (seconds since the
    epoch)."""

    name: str
    role: str
    scope: Scope
    via: Literal["session", "token"]
    key: str
    expires_at: float = math.inf
