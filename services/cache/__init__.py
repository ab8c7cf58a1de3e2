"""Bodies kept ready to be sent, in memory or on Redis."""

from services.cache.store import Cache, Kept

__all__ = ["Cache", "Kept"]
