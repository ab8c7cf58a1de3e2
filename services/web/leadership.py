"""Which process leads on a PostgreSQL database: it alone judges, alerts and sends.

The leader holds a session advisory lock on a connection of its own, so the lock is free as soon as
its process is gone. A lock alone does not stop a leader that was cut off or stood still and has not
noticed yet. Therefore each leadership also has a term, a number in the database that is greater
than all before it, and no transaction of a leader commits once there is a newer term: a fencing
token (M. Kleppmann, "How to do distributed locking", 2016).
"""

from __future__ import annotations

import re
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import structlog
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from models.database import parse_url

log = structlog.get_logger(__name__)

#: The lock's key; an advisory lock belongs to one database of the server.
KEY = 7_105_100
#: The row of ``alive`` that holds the term.
TERM = 2

#: Seconds between two looks of a leader at its lock; the end of its connection is seen at once.
CHECK = 2.0
#: Seconds between two tries of a standby to become the leader.
POLL = 1.0
#: Seconds between two tries of a leader to have its lock again after its connection ended.
RETRY = 0.5
#: Seconds for which a standby that was cut off itself leaves the lock to the leader: the database
#: was restarted, say, which is no reason to change leaders.
COURTESY = 5.0

#: A peer that is gone without a word (power, network) is noticed within about 11 s by each side.
_CLIENT: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
#: What the server shall do for this session; a setting that its version lacks is left out.
_SERVER = """
    SELECT set_config(name, given.value, false)
    FROM (VALUES ('tcp_keepalives_idle', '5'), ('tcp_keepalives_interval', '2'),
                 ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '10000'),
                 ('statement_timeout', '10000'), ('idle_session_timeout', '0')
         ) AS given(name, value) JOIN pg_settings USING (name)"""
#: In one statement: whoever does not get the lock finds the name of the one that did.
_TRY = """
    SELECT got, CASE WHEN got THEN set_config('application_name', %s, false) END
    FROM (SELECT pg_try_advisory_lock(%s) AS got OFFSET 0) AS tried"""
_HOLDER = """
    SELECT pid, coalesce(application_name, '') FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND classid = 0 AND objid = %s AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
_HELD = f"{_HOLDER} AND pid = pg_backend_pid()"
_NEW_TERM = f"""
    INSERT INTO alive (id, at) SELECT %s, %s WHERE EXISTS ({_HELD})
    ON CONFLICT (id) DO UPDATE SET at = greatest(excluded.at, alive.at + 0.001) RETURNING at"""
_CURRENT_TERM = "SELECT at FROM alive WHERE id = %s"

POOLED = (
    "The leader's lock is not held by our own session: DATABASE_URL must name PostgreSQL itself, "
    "or a pooler that keeps one session for each client"
)
_NAME = re.compile(r"healthdeck leader (\d+\.\d+) (\d+) (\S+)")


@dataclass(frozen=True, slots=True)
class Leader:
    """Who holds the lock: the server's ``session`` of it, and the name that it gave itself."""

    session: int
    name: str

    def __str__(self) -> str:
        if not (found := _NAME.fullmatch(self.name)):
            return f"session {self.session} of the database"
        since = datetime.fromtimestamp(float(found[1]), UTC)
        return f"host {found[3]}, process {found[2]}, since {since:%Y-%m-%d %H:%M:%S} UTC"


class Leadership:
    """One process's part in the choice of a leader. ``lost`` is called, with the reason, from
    whatever thread notices that somebody else leads or has led: what this process knows is then out
    of date, so it must end at once. ``pid`` is the process that an operator knows. Not to be shared
    over a fork."""

    def __init__(
        self,
        database_url: str,
        host: str,
        pid: int,
        lost: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        url = parse_url(database_url).set(drivername="postgresql")
        self._url = url.render_as_string(hide_password=False)
        self._host = (re.sub(r"[^!-~]", "-", host) or "unknown")[:20]
        self._pid = pid
        self._lost = lost
        self._clock = clock
        self._name = ""
        self._term: float | None = None
        self._connection: psycopg.Connection | None = None
        self._asking = threading.RLock()
        self._stopping = threading.Event()

    def claim(self) -> str | None:
        """None when this process leads from now on, else why it has to wait, in words."""
        try:
            if self.take():
                return None
            return f"Another Healthdeck ({self.leader() or 'just ending'}) leads on this database"
        except psycopg.Error as error:
            self._drop()
            return f"The database does not answer ({_first_line(error)})"

    def take(self) -> bool:
        """Whether this process leads from now on; the lock is watched then, on a thread. Raises
        psycopg.Error when the database does not answer."""
        self._name = f"healthdeck leader {self._clock():.3f} {self._pid} {self._host}"
        if not self._try():
            return False
        threading.Thread(target=self._watch, name="leadership", daemon=True).start()
        return True

    def wait(self) -> bool:
        """Stands by until this process leads; False when it was closed before. A database that
        is away is waited for."""
        away = False
        while not self._stopping.wait(POLL):
            try:
                if away:
                    self._ask("SELECT 1")
                    log.info("standby_database_back")
                    away = False
                    self._stopping.wait(COURTESY)
                if self.take():
                    return True
            except psycopg.Error as error:
                self._drop()
                if not away:
                    log.warning("standby_database_away", reason=_first_line(error))
                away = True
        return False

    def begin(self) -> None:
        """Begins a term: whatever another process began before does not commit any more. The
        schema must be there. Raises psycopg.Error, also when the lock is lost by now."""
        begun = self._ask(_NEW_TERM, TERM, self._clock(), KEY)
        if not begun:
            raise psycopg.OperationalError("the connection that holds the leader's lock has ended")
        self._term = begun[0]

    def fence(self, engine: Engine) -> None:
        """No transaction of ``engine`` commits from now on when another process has led since
        ``begin``. Costs one short query for each transaction."""

        def still_ours(connection: Connection) -> None:
            if connection.exec_driver_sql(_CURRENT_TERM, (TERM,)).scalar() != self._term:
                reason = "Another Healthdeck has led on this database meanwhile"
                self._lost(reason)
                connection.connection.rollback()
                raise OperationalError("COMMIT", None, RuntimeError(reason))

        event.listen(engine, "commit", still_ours)

    def leader(self) -> Leader | None:
        """Who leads now; None when nobody does. Raises psycopg.Error."""
        row = self._ask(_HOLDER, KEY)
        return Leader(*row) if row else None

    def close(self) -> None:
        """Leaves the lock to others."""
        self._stopping.set()
        self._drop()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                self._pause()
                held = self._ask(_HELD, KEY)
            except (psycopg.Error, OSError) as error:
                if self._stopping.is_set():
                    return
                log.warning("leadership_unconfirmed", reason=_first_line(error))
                reason = self._again()
            else:
                # The session lives and the lock is not its own: statements reach several sessions.
                reason = None if held else POOLED
            if reason:
                self._lost(reason)
                return

    def _pause(self) -> None:
        """Returns after ``CHECK`` seconds, or as soon as the server says or ends something."""
        poll = select.poll()
        if self._connection is not None:
            poll.register(self._connection.fileno(), select.POLLIN)
        poll.poll(CHECK * 1000)

    def _again(self) -> str | None:
        """Takes the lock again, however long the database is away; why that is not possible."""
        self._drop()
        while not self._stopping.is_set():
            try:
                if self._try():
                    if self._term is None or self._ask(_CURRENT_TERM, TERM) != (self._term,):
                        return "Another Healthdeck has led on this database meanwhile"
                    log.info("leadership_confirmed")
                    return None
                holder = self.leader()
                if holder and holder.name != self._name:
                    return f"Another Healthdeck ({holder}) leads on this database now"
                if holder:  # our own former session, of whose end the server does not know yet
                    self._ask("SELECT pg_terminate_backend(%s)", holder.session)
            except psycopg.Error:
                self._drop()
            self._stopping.wait(RETRY)
        return None

    def _try(self) -> bool:
        return bool(self._ask(_TRY, self._name, KEY)[0])

    def _ask(self, query: str, *values: object) -> tuple[Any, ...]:
        """The first row of the answer, () when there is none."""
        with self._asking:
            if self._stopping.is_set():
                raise psycopg.OperationalError("closed")
            if self._connection is None:
                self._connection = psycopg.connect(
                    self._url, autocommit=True, application_name="healthdeck standby", **_CLIENT
                )
                self._connection.execute(_SERVER)
            return self._connection.execute(query.encode(), values or None).fetchone() or ()

    def _drop(self) -> None:
        with self._asking:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))
