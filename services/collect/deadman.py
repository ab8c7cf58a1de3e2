"""The dead man's switch: something outside is called once a minute for as long as the monitor
really works, and tells people by itself when the calls stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.database import Database
from services.collect.intake import Intake
from services.collect.rounds import Rounds
from services.history import alive

log = structlog.get_logger(__name__)

#: Seconds between two calls, and those that one may take.
EVERY = 60
LIMIT = 10.0
#: Calls in a row that may fail before the dashboard speaks of it.
FAILURES = 3

#: Why a part of the monitor does not work; None when it does.
Probe = Callable[[], str | None]


class DeadMansSwitch:
    """``url`` takes a GET, as Healthchecks and Uptime Kuma have it; it is a secret, never logged.
    ``probes`` are asked before each call, and one that answers withholds it. ``warn`` is told what
    the dashboard should say, None when all is well."""

    def __init__(
        self,
        url: str,
        probes: Sequence[Probe],
        warn: Callable[[str | None], None],
        limit: float = LIMIT,
    ) -> None:
        self._url = url
        self._probes = probes
        self._warn = warn
        self._limit = limit
        self._failed = 0

    def beat(self) -> None:
        """Calls, unless something does not work. Never raises."""
        if why := self._withheld():
            log.error("heartbeat_withheld", reason=why)
            self._warn(f"{why}. HEARTBEAT_URL is not called until that has passed.")
            return
        problem = self._call()
        self._failed = self._failed + 1 if problem else 0
        if problem:
            log.warning("heartbeat_failed", reason=problem, failures=self._failed)
        if self._failed >= FAILURES:
            self._warn(
                f"HEARTBEAT_URL cannot be reached ({problem}): whoever waits there for the calls "
                "will take Healthdeck for dead."
            )
        else:
            self._warn(None)

    def _withheld(self) -> str | None:
        try:
            return next((why for probe in self._probes if (why := probe())), None)
        except Exception as error:
            log.exception("heartbeat_probe_failed")
            return f"It could not be found out whether all works ({type(error).__name__})"

    def _call(self) -> str | None:
        """Why the call was of no use; None when it was taken."""
        import aiohttp

        async def get() -> int:
            timeout = aiohttp.ClientTimeout(total=self._limit)
            async with (
                aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": "healthdeck"}) as web,
                web.get(self._url) as answer,
            ):
                return answer.status

        try:
            status = asyncio.run(get())
        except TimeoutError:
            return f"no answer within {self._limit:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return type(error).__name__
        return None if 200 <= status < 300 else f"it answered {status}"


class Collects:
    """A probe: looks are taken on, what comes in is worked off, and the database can be written.
    However rarely there is something to look at. ``patience``: seconds that each may take."""

    def __init__(
        self,
        rounds: Rounds,
        intake: Intake,
        database: Database,
        clock: Callable[[], float] = time.time,
        patience: float = 5.0,
    ) -> None:
        self._rounds = rounds
        self._intake = intake
        self._database = database
        self._clock = clock
        self._patience = patience

    def __call__(self) -> str | None:
        within = f"within {self._patience:g} s"
        if not self._rounds.answers(self._patience):
            return f"No look is taken on {within}"
        try:
            self._intake.flush(self._patience)
        except TimeoutError:
            return f"What comes in is not stored {within}"
        try:
            alive.note(self._database, self._clock())
        except SQLAlchemyError as error:
            return f"Nothing can be stored ({type(error).__name__})"
        return None
