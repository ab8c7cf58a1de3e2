"""Who is calling, and what may they see: users, logins, tokens."""

from services.identity.desk import SESSION_SECONDS, Identity
from services.identity.principal import ROLES, Principal, Scope

__all__ = ["ROLES", "SESSION_SECONDS", "Identity", "Principal", "Scope"]
