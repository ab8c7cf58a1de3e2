"""What Healthdeck itself needs, watched like any service: database, cache, scheduler, network."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy import text

from models.database import Database
from services.cache import Cache
from services.health.board import Board
from services.observation import CheckResult, Status
from services.times import span

log = structlog.get_logger(__name__)

#: Seconds without a beat after which the scheduler counts as dead.
SCHEDULER_PATIENCE = 10.0

OwnCheck = Callable[[], CheckResult]


class Heartbeat:
    """Beaten by a job of the scheduler; its age tells whether the scheduler really works."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._at = monotonic()

    def beat(self) -> None:
        self._at = self._monotonic()

    def check(self) -> CheckResult:
        age = self._monotonic() - self._at
        if age > SCHEDULER_PATIENCE:
            return CheckResult(Status.UNHEALTHY, f"the scheduler has not run for {span(age)}")
        return CheckResult(Status.HEALTHY, "the scheduler runs")


def own_checks(
    database: Database, cache: Cache, heartbeat: Heartbeat, board: Board
) -> Mapping[str, OwnCheck]:
    """A check for each of the monitor's own dependencies, by name."""

    def check_database() -> CheckResult:
        if board.trouble:
            return CheckResult(Status.UNHEALTHY, board.trouble)
        return _timed(lambda: _select_one(database), f"{database.dialect} answers")

    def check_cache() -> CheckResult:
        return _timed(lambda: cache.ping(), f"{cache.type} answers")

    return {"database": check_database, "cache": check_cache, "scheduler": heartbeat.check}


def network_check(board: Board) -> OwnCheck:
    """A check of the monitor's own network: unhealthy while the monitor is blind.

    Not among ``own_checks``, for those say whether Healthdeck can serve. It does not look at the
    witnesses: they are asked when much fails at once, and again until one answers.
    """

    def check() -> CheckResult:
        if blind := board.warned("sight"):
            return CheckResult(Status.UNHEALTHY, blind.text, evidence=blind.evidence)
        return CheckResult(Status.HEALTHY, "nothing speaks against Healthdeck's own network")

    return check


def _select_one(database: Database) -> None:
    with database.read() as session:
        session.execute(text("SELECT 1"))


def _timed(look: Callable[[], object], message: str) -> CheckResult:
    started = time.perf_counter()
    try:
        look()
    except Exception as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        return CheckResult(Status.UNHEALTHY, reason, evidence={"error": type(error).__name__})
    return CheckResult(Status.HEALTHY, message, response_ms=1000 * (time.perf_counter() - started))
