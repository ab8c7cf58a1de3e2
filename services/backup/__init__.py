"""A copy of everything that an installation knows in one file, and the way back from it."""

from services.backup.make import Made, make
from services.backup.restore import Restored, restore

__all__ = ["Made", "Restored", "make", "restore"]
