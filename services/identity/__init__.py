"""Who is calling, and what may they see: users, logins, tokens, keys, embedded pages."""

from services.identity.desk import SESSION_SECONDS, Identity
from services.identity.principal import ROLES, OnlyServers, Principal, Rank, Scope, scope_key

__all__ = [
    "ROLES",
    "SESSION_SECONDS",
    "Identity",
    "OnlyServers",
    "Principal",
    "Rank",
    "Scope",
    "scope_key",
]
