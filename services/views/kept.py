"""Bodies of the API as bytes, kept ready: a reader neither computes nor waits.

Each body has the key and the life of the specification (``health:overview`` 30 s, ...), with a
suffix made from the scope where that limits the caller: an entry belongs to those who may see
exactly the same. What the intake tells touches bodies: one that somebody asked for within its
life is computed anew by one thread, at most once a second, so that nobody sees anything older,
and once more before it expires; one that nobody asked for is dropped.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import structlog

from services.cache import Cache, Kept
from services.errors import NotFound
from services.events import AlertChanged, Event, TargetsObserved
from services.identity import Scope, scope_key
from services.views import history
from services.views.computed import Computed
from services.views.touch import Reach

__all__ = ["PACE", "TTL", "Keeper", "Kept", "entry_key"]

log = structlog.get_logger(__name__)

#: Seconds for which a body is kept, by what is read; of a course what is settled of it.
TTL: Mapping[str, int] = {
    "overview": 30, "vps": 30, "tenant": 60, "history": history.TTL, "dependencies": 30,
}  # fmt: skip
#: Seconds between two computations of the same body.
PACE = 1.0
#: The share of its life after which a body that is asked for is computed anew although nothing
#: touched it: else somebody would have to wait for it when it expires.
RENEWED = 0.8
#: Seconds between two looks at what is old, and at what nobody asks for any more.
LOOK, TIDYING = 5.0, 10.0
#: Bodies that are kept up to date at the same time.
MOST = 10_000


def entry_key(read: str, name: str = "", scope: Scope = None) -> str:
    """``health:overview``, ``health:vps:vps-1``; for a limited caller with ``:for:`` and a digest
    of its tenants, which no id can look like."""
    key = f"health:{read}:{name}" if name else f"health:{read}"
    return key if scope is None else f"{key}:for:{_digest(scope)}"


_digest = lru_cache(maxsize=1024)(scope_key)


@dataclass(slots=True, eq=False)
class _Watched:
    """A body that somebody asked for. ``generation``: of the cache, when this process last took
    care of the entry; ``touched``: something happened since it was begun to be computed."""

    read: str
    name: str
    scope: Scope
    key: str
    asked_at: float
    made_at: float
    generation: int = -1
    touched: bool = False
    news: int = 0
    told: int = 0

    def ages(self, now: float) -> bool:
        """Whether somebody asked for it and it will expire soon."""
        old = now - self.made_at >= RENEWED * TTL[self.read]
        return old and self.asked_at > self.made_at


class Keeper:
    """``notice`` hears of changes; ``start`` begins to keep bodies up to date. Without that each
    is computed when it is asked for and may have changed."""

    def __init__(
        self,
        computed: Computed,
        cache: Cache,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._computed = computed
        self._cache = cache
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}
        self._fleet = computed.fleet
        self._reach = Reach(self._fleet)
        self._observed: set[str] = set()
        self._alerts = False
        self._counts: Counter[tuple[str, str]] = Counter()
        self._made: Counter[tuple[str, str]] = Counter()
        self._tidied_at = monotonic()
        self._news = threading.Event()
        self._running = self._stopping = False
        self._thread = threading.Thread(target=self._run, name="kept", daemon=True)

    def overview(self, scope: Scope = None, *, fresh: bool = False) -> Kept:
        """``GET /api/admin/health/overview``. ``fresh``: with everything that was noticed so far
        (for the stream, which tells of a change at once); not counted as a request."""
        return self._body("overview", "", scope, fresh)

    def vps(self, vps_id: str, scope: Scope = None, *, fresh: bool = False) -> Kept:
        """``GET /api/admin/health/vps/:vpsId``. Raises NotFound."""
        return self._body("vps", vps_id, scope, fresh)

    def tenant(self, tenant_id: str, scope: Scope = None, *, fresh: bool = False) -> Kept:
        """``GET /api/admin/health/tenant/:tenantId``. Raises NotFound."""
        return self._body("tenant", tenant_id, scope, fresh)

    def dependencies(self, service: str, scope: Scope = None) -> Kept:
        """``GET /api/admin/health/dependencies``. Raises NotFound."""
        return self._body("dependencies", service, scope, fresh=False)

    def counts(self) -> Mapping[tuple[str, str], int]:
        """Requests so far by what was read and ``hit`` or ``miss``."""
        with self._lock:
            return dict(self._counts)

    def made(self) -> Mapping[tuple[str, str], int]:
        """Bodies computed so far by what was read and why: for a ``request`` or to
        ``refresh`` what is asked for."""
        with self._lock:
            return dict(self._made)

    def notice(self, event: Event) -> None:
        """Takes note of a change; never waits for a body."""
        with self._lock:
            if isinstance(event, TargetsObserved):
                self._observed |= event.keys
            elif isinstance(event, AlertChanged):
                self._alerts = True
            else:
                return
        self._news.set()

    @property
    def running(self) -> bool:
        """Whether bodies are kept up to date."""
        return self._running

    def start(self) -> None:
        """Starts the thread that keeps bodies up to date."""
        self._running = True
        self._thread.start()

    def stop(self) -> None:
        """Ends it."""
        self._running, self._stopping = False, True
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(2)

    def settle(self) -> float:
        """Computes anew what is due, and drops what nobody asks for. Returns the seconds until
        there is something to do if nothing happens."""
        self._spread()
        now = self._monotonic()
        wait = LOOK
        with self._lock:
            chosen = [one for one in self._watched.values() if one.touched or one.ages(now)]
        for one in chosen:
            if now - one.asked_at > TTL[one.read]:
                self._drop(one)
            elif (due := one.made_at + PACE - now) > 0:
                wait = min(wait, due)
            else:
                self._refresh(one)
        if now - self._tidied_at >= TIDYING:
            self._tidy(now)
        return wait

    def _body(self, read: str, name: str, scope: Scope, fresh: bool) -> Kept:
        self._computed.check(read, name, scope)
        if fresh or not self._running or self._fleet is not self._computed.fleet:
            self._spread()
        one = self._asked(read, name, scope, entry_key(read, name, scope))
        try:
            return self._newest(one) if fresh else self._current(one)
        except NotFound:
            self._drop(one)
            raise

    def _current(self, one: _Watched) -> Kept:
        found = self._cache.look(one.key, TTL[one.read])
        # An entry that another process made, or this one before Redis was away, is taken care of
        # by nobody here: it is believed for as long as it cannot have missed anything.
        ours = one.generation == self._cache.generation
        good = found is not None and (ours or found[1] <= PACE)
        if one.touched and not self._running:
            good = False
        self.count(one.read, hit=good)
        if found is not None and good:
            return found[0]
        return self._make(one, anew=found is not None)[0]

    def _newest(self, one: _Watched) -> Kept:
        """With everything that was noticed before."""
        if one.generation == self._cache.generation and one.told >= one.news:
            found = self._cache.look(one.key, TTL[one.read])
            if found is not None:
                return found[0]
        kept, ours = self._make(one, anew=True)
        # Somebody else's may have been begun too early; one that is begun after it was not.
        return kept if ours else self._make(one, anew=True)[0]

    def _asked(self, read: str, name: str, scope: Scope, key: str) -> _Watched:
        now = self._monotonic()
        with self._lock:
            one = self._watched.get(key)
            if one is None:
                one = self._watched[key] = _Watched(read, name, scope, key, now, now)
                if len(self._watched) > MOST:
                    self._watched.pop(next(iter(self._watched)))
            one.asked_at = now
            return one

    def _make(self, one: _Watched, *, anew: bool, why: str = "request") -> tuple[Kept, bool]:
        """What was made, and whether it was made for this call."""
        generation = self._cache.generation
        begun: int | None = None

        def make() -> Kept:
            nonlocal begun
            begun = one.news
            one.touched = False  # before the board is read: what comes now is news again
            one.made_at = self._monotonic()
            with self._lock:
                self._made[one.read, why] += 1
            try:
                return Kept.of(self._computed.body(one.read, one.name, one.scope))
            except BaseException:
                one.touched = True
                raise

        kept = self._cache.once(one.key, TTL[one.read], make, anew=anew)
        if begun is not None:  # not before it is stored
            one.told = max(one.told, begun)
        one.generation = generation
        return kept, begun is not None

    def _refresh(self, one: _Watched) -> None:
        try:
            self._make(one, anew=True, why="refresh")
        except NotFound:
            self._drop(one)  # it left the fleet
        except Exception as error:
            one.made_at = self._monotonic()
            log.warning("body_not_refreshed", key=one.key, reason=repr(error))

    def _drop(self, one: _Watched) -> None:
        with self._lock:
            self._watched.pop(one.key, None)
        self._cache.drop(one.key, TTL[one.read])

    def _spread(self) -> None:
        """Marks the bodies that what happened so far touches."""
        fleet = self._computed.fleet
        with self._lock:
            observed, self._observed = self._observed, set()
            alerts, self._alerts = self._alerts, False
            everything = fleet is not self._fleet
            if everything:
                self._fleet, self._reach = fleet, Reach(fleet)
            if everything:
                for one in self._watched.values():
                    one.touched, one.generation, one.news = True, -1, one.news + 1
            elif (observed or alerts) and self._watched:
                touched = self._reach.of(observed, alerts=alerts)
                for one in self._watched.values():
                    if touched.touches(one.read, one.name, one.scope):
                        one.touched = True
                        one.news += 1

    def _tidy(self, now: float) -> None:
        """Forgets bodies that nobody asks for and whose entries have expired by themselves."""
        self._tidied_at = now
        with self._lock:
            for one in list(self._watched.values()):
                if now - max(one.asked_at, one.made_at) > TTL[one.read]:
                    del self._watched[one.key]

    def count(self, read: str, *, hit: bool) -> None:
        """Counts a request for a body that is kept."""
        with self._lock:
            self._counts[read, "hit" if hit else "miss"] += 1

    def _run(self) -> None:
        while not self._stopping:
            wait = LOOK
            try:
                wait = self.settle()
                self._cache.look_again()
            except Exception:
                log.exception("keeping_failed")
            self._news.wait(wait if self._cache.reachable else min(wait, PACE))
            self._news.clear()
