"""The tables. Importing this package knows them all."""

from models import alerts, identity, notifications, targets
from models.base import Base

__all__ = ["Base", "alerts", "identity", "notifications", "targets"]
