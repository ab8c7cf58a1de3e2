"""What must be right before the server starts: each mistake is told in words, all at once."""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from services.errors import ConfigurationError
from services.settings import Settings
from services.web import sole

BACKLOG = 1024

#: One mistake: what is wrong, and one line for each detail of it.
Mistake = tuple[str, list[str]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a server starts with. ``contested``: the settings of a database that several processes
    may share, of which one leads."""

    listener: socket.socket
    contested: Settings | None = None


def prepare(settings: Settings, environ: Mapping[str, str] = os.environ) -> Prepared:
    """Checks inventory, address and database, and listens. Takes the lock of a SQLite file and
    brings it to the current schema; on PostgreSQL whoever leads does that, for two that start
    together would do it both.

    Raises ConfigurationError with everything that is wrong; the database is then as it was.
    """
    listener: socket.socket | None = None
    mistakes: list[Mistake] = []
    try:
        listener = listen(settings.host, settings.port)
    except ConfigurationError as error:
        mistakes.append((error.message, error.details))
    if settings.database_file:
        try:
            sole.hold(settings.database_file)
        except ConfigurationError as error:
            mistakes.append((error.message, error.details))
        except OSError:
            pass  # the examination says what is wrong with the place
    migrate = bool(settings.database_file) and not mistakes
    mistakes += in_a_child(lambda: _examine(settings, environ, migrate=migrate))
    if listener is None or mistakes:
        if listener is not None:
            listener.close()
        lines = [line for text, more in mistakes for line in (text, *(f"  {m}" for m in more))]
        raise ConfigurationError("Healthdeck cannot start:", lines)
    return Prepared(listener, None if settings.database_file else settings)


def _examine(settings: Settings, environ: Mapping[str, str], *, migrate: bool) -> list[Mistake]:
    from services.inventory.load import read_inventory
    from services.web import database_check

    mistakes: list[Mistake] = []
    checks: list[Callable[[], object]] = [lambda: database_check.check(settings)]
    if file := settings.inventory:
        checks.insert(0, lambda: read_inventory(file, environ))
    for check in checks:
        try:
            check()
        except ConfigurationError as error:
            mistakes.append((error.message, error.details))
    if migrate and not mistakes:
        try:
            database_check.open_database(settings).close()
        except ConfigurationError as error:
            mistakes.append((error.message, error.details))
    return mistakes


def in_a_child(examine: Callable[[], list[Mistake]]) -> list[Mistake]:
    """What ``examine`` finds, run in a process of its own: the memory that it needs would
    otherwise stay with the server's master for ever."""
    receive, send = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            found = json.dumps(examine())
            with os.fdopen(send, "w") as pipe:
                pipe.write(found)
            code = 0
        except BaseException as error:
            with suppress(OSError):
                os.write(2, f"{error!r}\n".encode())
        finally:
            os._exit(code)
    os.close(send)
    with os.fdopen(receive) as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    if status != 0:
        return [("The checks before the start ended in the middle", [])]
    return [(message, details) for message, details in json.loads(text)]


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; connections wait in it until they are accepted. Raises
    ConfigurationError."""
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise ConfigurationError(
            f"HOST: '{host}' is not known here; 127.0.0.1 is this machine only, 0.0.0.0 is every "
            "interface"
        ) from None
    family, kind, protocol, _, address = infos[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise ConfigurationError(_cannot_listen(error, host, port)) from None
    return sock


def _cannot_listen(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is taken by another program; choose another with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"HOST: {host} is not an address of this machine; 127.0.0.1 is this machine only, "
            "0.0.0.0 is every interface"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} needs more rights than we have; choose one above 1023 with --port"
    return f"Cannot listen on port {port} of {host}: {error.strerror}"
