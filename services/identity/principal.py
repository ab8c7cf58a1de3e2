"""A caller, once we know who it is."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from services.errors import InsufficientPermissions

#: The tenants that a caller may know of; None: everything. See ``OnlyServers`` for less.
Scope = frozenset[str] | None

#: ``admin`` reads everything and handles alerts; ``super_admin`` also changes the installation.
ROLES = ("admin", "super_admin")

#: What a caller must be: ``admin``: whoever may log in; ``whole``: who sees the whole fleet;
#: ``chief``: a super_admin who does.
Rank = Literal["admin", "whole", "chief"]


class OnlyServers(frozenset[str]):
    """The scope of a caller that may know of some servers alone: those of ``vps`` that ``tenants``
    (None: any) are on. As a set of tenants it is empty, so whoever does not look at ``vps`` shows
    nothing rather than too much."""

    vps: frozenset[str]
    tenants: frozenset[str] | None

    @classmethod
    def of(cls, vps: Iterable[str], tenants: frozenset[str] | None) -> OnlyServers:
        scope = cls()
        scope.vps, scope.tenants = frozenset(vps), tenants
        return scope

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OnlyServers):
            return False
        return (self.vps, self.tenants) == (other.vps, other.tenants)

    def __hash__(self) -> int:
        return hash((self.vps, self.tenants))


def scope_key(scope: Scope) -> str:
    """A short text that differs between scopes: for keys of caches."""
    if scope is None:
        return "*"
    if isinstance(scope, OnlyServers):
        tenants = None if scope.tenants is None else sorted(scope.tenants)
        return _digest(["vps", sorted(scope.vps), tenants])
    return _digest(["tenants", sorted(scope)])


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling. ``key`` names this login or token without being a secret: whoever holds
    sockets open closes those of a key on SessionEnded, or at ``expires_at`` (seconds since the
    epoch). ``pages`` are the paths of the pages that it may open (None: all)."""

    name: str
    role: str
    scope: Scope
    via: Literal["session", "token", "key", "embed"]
    key: str
    expires_at: float = math.inf
    pages: frozenset[str] | None = None

    def require(self, rank: Rank) -> None:
        """Raises InsufficientPermissions for a caller that is less than that."""
        if rank == "chief" and self.role != "super_admin":
            raise InsufficientPermissions("Only a super_admin may do this.")
        if rank != "admin" and self.scope is not None:
            raise InsufficientPermissions("This is for callers that see the whole fleet.")

    def is_a(self, rank: Rank) -> bool:
        """Whether a caller is at least that."""
        try:
            self.require(rank)
        except InsufficientPermissions:
            return False
        return True

    @property
    def identity(self) -> str:
        """Who it is, the same over all of its logins and tokens: for limits."""
        if self.via == "session":
            return f"user:{self.name}"
        return f"token:{self.name}" if self.via == "token" else self.key


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:24]
