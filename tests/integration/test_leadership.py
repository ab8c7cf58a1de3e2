"""Who leads on a PostgreSQL database, when connections end, servers restart, clocks are wrong."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from models.database import Database
from services.web.leadership import COURTESY, KEY, TERM, Leadership
from tests.support.stores import PostgresServer
from tests.support.wait import eventually, free_port, stays

#: A session of a leader ends, and whoever holds or waits for the lock gets it.
CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name LIKE 'healthdeck leader%' AND datname = current_database()"""
SESSIONS = CUT.replace("pg_terminate_backend(pid)", "pid")


class Part(Leadership):
    """A process's part, and the reasons for which it lost it."""

    def __init__(self, url: str, pid: int) -> None:
        self.reasons: list[str] = []
        super().__init__(url, "web 1.example", pid, self.reasons.append, clock=lambda: 1763913335.5)


Join = Callable[[], Part]


class Restartable(PostgresServer):
    def down(self) -> None:
        self._run("pg_ctl", "-m", "fast", "-w", "stop")

    def up(self) -> None:
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "-w", "-l", str(self._folder / "log"), "-o", options, "start")


class Line:
    """A connection's way to a server. ``cut`` ends it for the client; the server hears nothing."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._ends: list[tuple[socket.socket, socket.socket]] = []
        self._kept: list[socket.socket] = []
        self._lock = threading.Lock()
        self.port = free_port()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        while True:
            with self._lock:
                ways = dict(self._ends) | {b: a for a, b in self._ends}
            readable, _, _ = select.select([self._listener, self._woken, *ways], [], [], 0.2)
            with self._lock:
                for one in readable:
                    if one is self._woken:
                        return
                    if one is self._listener:
                        client, _ = one.accept()
                        server = socket.create_connection(("127.0.0.1", self._to))
                        self._ends.append((client, server))
                    elif one.fileno() != -1 and ways[one].fileno() != -1:
                        data = one.recv(65536)
                        if data:
                            ways[one].sendall(data)
                        else:
                            self._ends = [e for e in self._ends if one not in e]
                            ways[one].close()
                            one.close()

    def cut(self) -> None:
        with self._lock:
            for client, server in self._ends:
                client.close()
                self._kept.append(server)
            self._ends = []

    def close(self) -> None:
        self._wake.send(b"x")
        self._thread.join(5)
        for one in (*self._kept, *(s for ends in self._ends for s in ends)):
            one.close()
        for one in (self._listener, self._wake, self._woken):
            one.close()


@pytest.fixture
def url(postgres_server: PostgresServer) -> Iterator[str]:
    url = postgres_server.create()
    database = Database(url)
    database.migrate()
    database.close()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def admin(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def parts() -> Iterator[list[Part]]:
    parts: list[Part] = []
    yield parts
    for part in parts:
        part.close()


@pytest.fixture
def join(url: str, parts: list[Part]) -> Join:
    def join() -> Part:
        parts.append(Part(url, 100 + len(parts)))
        return parts[-1]

    return join


@pytest.fixture
def leading(join: Join) -> Part:
    part = join()
    assert part.claim() is None
    part.begin()
    return part


def test_of_many_that_start_together_one_leads(join: Join) -> None:
    several = [join() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(Part.claim, several))
    assert said.count(None) == 1
    leads = 100 + said.index(None)
    expected = (
        f"Another Healthdeck (host web-1.example, process {leads}, "
        "since 2025-11-23 15:55:35 UTC) leads on this database"
    )
    assert {words for words in said if words} == {expected}


def test_a_standby_leads_when_the_leader_is_gone(leading: Part, join: Join) -> None:
    second = join()
    assert second.claim()
    with ThreadPoolExecutor(1) as pool:
        leads = pool.submit(second.wait)
        stays(lambda: not leads.done(), 1.5, "it waits")
        leading.close()
        assert leads.result(10)
    assert str(second.leader()).startswith("host web-1.example, process 101, since ")


def test_a_standby_that_ends_does_not_lead(leading: Part, join: Join) -> None:
    second = join()
    assert second.claim()
    with ThreadPoolExecutor(1) as pool:
        leads = pool.submit(second.wait)
        second.close()
        assert leads.result(10) is False
    assert leading.reasons == []


def test_somebody_else_with_the_lock_is_named_as_well_as_can_be(
    join: Join, admin: psycopg.Connection
) -> None:
    admin.execute("SELECT pg_advisory_lock(%s)", (KEY,))
    said = join().claim()
    assert said == (
        f"Another Healthdeck (session {admin.info.backend_pid} of the database) "
        "leads on this database"
    )


def test_a_leader_whose_session_ended_goes_on(
    leading: Part, url: str, admin: psycopg.Connection
) -> None:
    database = Database(url)
    leading.fence(database.engine)
    former = leading.leader()
    assert former
    admin.execute(CUT)
    again = eventually(leading.leader, 10, "it has the lock again")
    assert again
    assert again.session != former.session
    assert again.name == former.name
    with database.write() as session:
        session.execute(text("DELETE FROM alive WHERE id = 1"))
    assert leading.reasons == []
    database.close()


def test_a_leader_that_was_overtaken_says_by_whom(leading: Part, join: Join, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as quicker, ThreadPoolExecutor(1) as pool:
        # one that waits for the lock at the server has it as soon as it is free
        quicker.execute("SET application_name = 'healthdeck leader 1763913335.000 7 web-2'")
        has = pool.submit(quicker.execute, "SELECT pg_advisory_lock(%s)", (KEY,))
        with psycopg.connect(url, autocommit=True) as admin:
            waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            eventually(lambda: admin.execute(waits).fetchone(), 10, "it waits")
            admin.execute(
                CUT.replace("WHERE", "WHERE pid <> pg_backend_pid() AND state = 'idle' AND")
            )
        has.result(10)
        (reason,) = eventually(lambda: leading.reasons, 10, "the leader notices")
    assert reason == (
        "Another Healthdeck (host web-2, process 7, since 2025-11-23 15:55:35 UTC) "
        "leads on this database now"
    )


def test_a_leader_goes_on_only_when_nobody_led_meanwhile(
    leading: Part, admin: psycopg.Connection
) -> None:
    admin.execute("UPDATE alive SET at = at + 1 WHERE id = %s", (TERM,))
    stays(lambda: not leading.reasons, 0.5, "its session still stands")
    admin.execute(CUT)
    (reason,) = eventually(lambda: leading.reasons, 10, "the leader notices")
    assert reason == "Another Healthdeck has led on this database meanwhile"


def test_nothing_of_a_former_leader_commits(leading: Part, url: str, parts: list[Part]) -> None:
    database = Database(url)
    leading.fence(database.engine)
    with database.write() as session:
        session.execute(text("INSERT INTO alive (id, at) VALUES (8, 1)"))
    with database.write() as late:
        late.execute(text("INSERT INTO alive (id, at) VALUES (9, 1)"))
        with psycopg.connect(url) as other:
            other.execute("UPDATE alive SET at = at + 1 WHERE id = %s", (TERM,))
        with pytest.raises(OperationalError, match="has led on this database"):
            late.commit()
    with pytest.raises(OperationalError, match="has led on this database"), database.write() as no:
        no.execute(text("INSERT INTO alive (id, at) VALUES (10, 1)"))
    with database.read() as session:
        assert session.scalars(text("SELECT id FROM alive WHERE id > 2")).all() == [8]
    assert set(leading.reasons) == {"Another Healthdeck has led on this database meanwhile"}
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    database.close()


def test_each_term_is_greater_than_the_last_whatever_the_clock_says(
    leading: Part, join: Join, admin: psycopg.Connection
) -> None:
    admin.execute("UPDATE alive SET at = 4e9 WHERE id = %s", (TERM,))
    leading.close()
    second = join()
    eventually(lambda: second.claim() is None, 10, "it leads")
    second.begin()
    row = admin.execute("SELECT at FROM alive WHERE id = %s", (TERM,)).fetchone()
    assert row
    assert row[0] > 4e9


def test_a_term_begins_only_with_the_lock(
    leading: Part, join: Join, admin: psycopg.Connection
) -> None:
    second = join()
    assert second.claim()
    with pytest.raises(psycopg.OperationalError, match="has ended"):
        second.begin()
    assert leading.reasons == []


def test_a_session_that_the_server_still_believes_in_is_ended_by_its_owner(
    url: str, postgres_server: PostgresServer, admin: psycopg.Connection
) -> None:
    line = Line(postgres_server.port)
    part = Part(url.replace(str(postgres_server.port), str(line.port)), 1)
    assert part.claim() is None
    part.begin()
    former = part.leader()
    assert former
    line.cut()
    assert admin.execute(SESSIONS).fetchone() == (former.session,)
    eventually(
        lambda: (now := part.leader()) and now.session != former.session, 10, "it leads again"
    )
    assert part.reasons == []
    part.close()
    line.close()


def test_a_restart_of_the_database_is_no_change_of_leaders() -> None:
    server = Restartable()
    url = server.create()
    database = Database(url)
    database.migrate()
    first, second = Part(url, 1), Part(url, 2)
    assert first.claim() is None
    first.begin()
    first.fence(database.engine)
    assert second.claim()
    with ThreadPoolExecutor(1) as pool:
        leads = pool.submit(second.wait)
        server.down()
        with pytest.raises(OperationalError), database.write() as session:
            session.execute(text("SELECT 1"))
        server.up()
        eventually(first.leader, 10, "the leader has its lock again")
        stays(lambda: not leads.done(), COURTESY + 2, "the standby stands by")
        with database.write() as session:
            session.execute(text("INSERT INTO alive (id, at) VALUES (8, 1)"))
        first.close()
        assert leads.result(10), "and leads once the leader is gone"
    assert first.reasons == second.reasons == []
    second.close()
    database.close()
    server.stop()


def test_without_a_database_nobody_leads() -> None:
    said = Part("postgresql://hd:secret@127.0.0.1:9/hd", 1).claim()
    assert said
    assert said.startswith("The database does not answer (")
    assert "secret" not in said
