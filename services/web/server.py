"""The web server: gunicorn's threaded worker, embedded, with one worker that ends in good order."""

from __future__ import annotations

import logging
import mmap
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker

from services.web.preflight import Prepared
from services.web.starting import Starting, announce, leave
from services.web.stream.limits import EXTENSION, MAX_SOCKETS, SPARE

log = structlog.get_logger(__name__)

if TYPE_CHECKING:
    from concurrent.futures import Future

    from flask import Flask

    from services.web.standby import Front
    from services.web.stream.hub import Stream

#: Threads that serve pages and the API whatever the stream does.
REQUEST_THREADS = 24

#: Seconds from SIGTERM to the end: the master kills what is then left. A request under way gets
#: IN_FLIGHT of them, a client ABORT to answer the goodbye; the rest is for the services.
GRACE = 4
IN_FLIGHT = 2
ABORT = 1.0

#: Seconds after which a worker whose main loop stands still is replaced.
STUCK = 60


def serve(prepared: Prepared, factory: Callable[[], Flask]) -> NoReturn:
    """Serves what ``factory`` builds on a listening socket until a signal ends it.

    ``factory`` runs in the worker, after the fork; what it built is started there, and stopped
    before the worker ends. On a contested database the worker stands by until it leads. Exits with
    0 after SIGTERM or SIGINT, with 1 when it cannot start.
    """
    Server(prepared, factory).run()


class Log(Logger):  # type: ignore[misc]  # untyped base
    """Hands gunicorn's lines to the process's own logging."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING)


class Server(BaseApplication):  # type: ignore[misc]  # untyped base
    """The application as gunicorn sees it. ``booted`` is shared with the master."""

    def __init__(self, prepared: Prepared, factory: Callable[[], Flask]) -> None:
        self.url = _url(prepared.listener)
        self._fd = prepared.listener.detach()
        self._prepared = prepared
        self._factory = factory
        self._master = os.getpid()
        self._booted = mmap.mmap(-1, 1)
        super().__init__()

    def load_config(self) -> None:
        threads = MAX_SOCKETS + SPARE + REQUEST_THREADS
        settings = {
            "bind": f"fd://{self._fd}",
            "workers": 1,
            "worker_class": "services.web.server.Worker",
            "threads": threads,
            "worker_connections": threads + 200,
            "keepalive": 5,
            "timeout": STUCK,
            "graceful_timeout": GRACE,
            "accesslog": None,
            "errorlog": os.devnull,
            "logger_class": Log,
            "control_socket_disable": True,
            "forwarded_allow_ips": "",  # TRUSTED_PROXIES alone says whose headers are believed
            "pre_fork": lambda _arbiter, _worker: self._booted.__setitem__(0, 0),
            "post_worker_init": self._ready,
            "child_exit": self._gone,
        }
        # the worker's beat must not wait for a disk
        if os.access("/dev/shm", os.W_OK):  # noqa: S108
            settings["worker_tmp_dir"] = "/dev/shm"  # noqa: S108
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Front:
        """What the worker serves. Whatever goes wrong ends the process and is not tried again."""
        starting = Starting(self._prepared, self._factory, self.url, self._master, self._may_again)
        return starting.front(Arbiter.WORKER_BOOT_ERROR)

    def run(self) -> NoReturn:
        _raise_file_limit()
        Master(self).run()
        leave(0)

    def _may_again(self) -> None:
        """A worker that ends from now on is followed by another."""
        self._booted[0] = 1

    def _ready(self, worker: Worker) -> None:
        self._may_again()
        if worker.wsgi.app is not None:
            announce(worker.wsgi.app, self.url)

    def _gone(self, master: Master, _worker: Any) -> None:
        if not self._booted[0] and not master.stopping:
            raise HaltServer("the worker ended while it was starting", 1)


class Master(Arbiter):  # type: ignore[misc]  # untyped base
    """Starts the worker, and starts it again when it crashes. There is one worker, so the signals
    that add, replace or reload workers are not taken."""

    SIGNALS = (signal.SIGHUP, signal.SIGQUIT, signal.SIGINT, signal.SIGTERM)

    stopping = False
    _hurry = False

    def init_signals(self) -> None:
        ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        super().init_signals()
        if ignored:  # started with nohup
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def signal(self, sig: int, frame: FrameType | None) -> None:
        """The first request to stop lets the worker finish; a second one does not wait."""
        if self.stopping:
            self._hurry, sig = True, signal.SIGQUIT
        self.stopping = True
        super().signal(sig, frame)

    def stop(self, graceful: bool = True) -> None:
        super().stop(graceful and not self._hurry)

    def handle_int(self) -> None:
        self.handle_term()

    handle_hup = handle_int

    def halt(self, reason: str | None = None, exit_status: int = 0) -> None:
        self.stop()
        if reason and exit_status == 1:
            sys.stderr.write(f"Healthdeck cannot start: {reason}\n")
        leave(1 if exit_status else 0)


class Worker(ThreadWorker):  # type: ignore[misc]  # untyped base
    """Serves requests on threads. On its way out it closes the stream's sockets first: each holds
    a thread for as long as its browser likes."""

    _drained_at: float | None = None

    def init_signals(self) -> None:
        super().init_signals()
        # a terminal sends these to all of its processes; the master says when to stop
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.cfg.set("graceful_timeout", IN_FLIGHT)

    def run(self) -> None:
        code = 0
        try:
            super().run()
        except Exception:
            log.exception("server_failed")
            code = 1
        self._finish(code)

    def is_parent_alive(self) -> bool:
        if not super().is_parent_alive():
            self.alive = False
        return bool(self.alive)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        if not self.alive:
            self._drain()
            timeout = min(timeout, 0.1)
        super().wait_for_and_dispatch_events(timeout)

    def handle(self, conn: TConn) -> Any:
        keep = super().handle(conn)
        if not keep and conn.sock.fileno() != -1:
            conn.close(graceful=True)  # here, for it waits for the client: not on the main loop
        return keep

    def finish_request(self, conn: TConn, future: Future[Any]) -> None:
        # a closed socket, which is how every websocket ends, would be counted off twice
        if conn.sock.fileno() == -1:
            self.nr_conns -= 1
            return
        super().finish_request(conn, future)

    def handle_quit(self, _sig: int, _frame: FrameType | None) -> None:
        os._exit(0)

    def _drain(self) -> None:
        if (app := self.wsgi.app) is None:
            return
        stream: Stream = app.extensions[EXTENSION]
        if self._drained_at is None:
            self._drained_at = time.monotonic()
            stream.close()
        elif time.monotonic() - self._drained_at > ABORT:
            stream.abort()

    def _finish(self, code: int) -> NoReturn:
        """Stops the services and leaves, waiting for no thread that a request still holds."""
        try:
            if (app := self.wsgi.app) is not None:
                stream: Stream = app.extensions[EXTENSION]
                stream.close()
                stream.stop()
                app.extensions["healthdeck"].stop()
        except Exception:
            log.exception("stopping_failed")
        leave(code)


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - what is listened on cannot be what is opened
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _raise_file_limit() -> None:
    """A socket is a file; the usual soft limit of 1024 is a habit from the days of select."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
    if soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
