"""The tables. Importing this package knows them all."""

from models import (
    accounts,
    agents,
    alerts,
    annotations,
    audit,
    history,
    identity,
    incidents,
    inventory,
    jobs,
    notifications,
    quiet,
    recipients,
    targets,
    templates,
)
from models.base import Base

__all__ = [
    "Base",
    "accounts",
    "agents",
    "alerts",
    "annotations",
    "audit",
    "history",
    "identity",
    "incidents",
    "inventory",
    "jobs",
    "notifications",
    "quiet",
    "recipients",
    "targets",
    "templates",
]
