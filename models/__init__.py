"""The tables. Importing this package knows them all."""

from models import (
    agents,
    alerts,
    annotations,
    audit,
    history,
    identity,
    inventory,
    jobs,
    notifications,
    quiet,
    targets,
    templates,
)
from models.base import Base

__all__ = [
    "Base",
    "agents",
    "alerts",
    "annotations",
    "audit",
    "history",
    "identity",
    "inventory",
    "jobs",
    "notifications",
    "quiet",
    "targets",
    "templates",
]
