"""Processes that are as ``python WORDS`` would be, without the seconds in which each of them
imports the same packages: a process that has imported them forks.

Importing a module starts nothing here, so what a process does after the fork is what it would do
after its own imports. Those are what is not tried this way: tests of the start itself, of the
command line and of what an operator does first start real ones (``Healthdeck.at_once``).
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
#: What the product's processes import, each when it needs it.
KNOWN = (
    "alembic.command", "services.bootstrap", "services.commands", "services.identity.tokens",
    "services.logs", "services.web.dash_app", "services.web.database_check",
    "services.web.preflight", "services.web.server", "services.web.standby",
    "services.web.stream.hub", "sqlalchemy.dialects.sqlite", "werkzeug.middleware.proxy_fix",
)  # fmt: skip
PR_SET_CHILD_SUBREAPER = 36


class Forked(subprocess.Popen[bytes]):
    """A process that somebody else started, and that has become a child of this one."""

    def __init__(self, args: Sequence[str], pid: int) -> None:
        self.args, self.pid = list(args), pid
        self.returncode = None
        self.stdin = self.stdout = self.stderr = None
        self._child_created = True
        self._communication_started = False
        self._waitpid_lock = threading.Lock()
        self._sigint_wait_secs = 0.25


class Nursery:
    """The process that forks. It ends with this one."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        self._lock = threading.Lock()
        # threads of a mathematical library would not survive a fork
        env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name if __spec__ else __name__, str(theirs.fileno())],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def start(
        self,
        words: Sequence[str],
        env: Mapping[str, str],
        stdin: IO[Any],
        stdout: IO[Any],
        stderr: IO[Any],
    ) -> Forked:
        """Starts ``python WORDS`` in a session of its own, in the project's folder."""
        task = json.dumps({"words": list(words), "env": dict(env)}).encode()
        files = [stdin.fileno(), stdout.fileno(), stderr.fileno()]
        with self._lock:
            _adopt(1)  # whoever loses its parent meanwhile becomes our child
            try:
                socket.send_fds(self._socket, [task], files)
                answer = self._socket.recv(64)
            finally:
                _adopt(0)
        assert answer, "the nursery has ended: see its traceback above"
        return Forked(words, int(answer))

    def close(self) -> None:
        self._socket.close()
        self._process.wait(10)


@cache
def nursery() -> Nursery:
    """The one of this process."""
    one = Nursery()
    atexit.register(one.close)
    return one


def _adopt(on: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, on, 0, 0, 0)


def _attend(connection: socket.socket) -> list[str] | None:
    """Forks for whoever asks, until nobody can ask any more. Returns twice: in each new process
    with its words, and at the end with None."""
    for name in KNOWN:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    while True:
        task, files, _, _ = socket.recv_fds(connection, 1 << 20, 3)
        if not task:
            return None
        receive, send = os.pipe()
        between = os.fork()
        if between == 0:
            # this one ends at once, for its child to find another parent
            if pid := os.fork():
                os.write(send, str(pid).encode())
                os._exit(0)
            os.close(receive)
            os.close(send)
            connection.close()
            return _become(json.loads(task), files)
        os.waitpid(between, 0)
        connection.send(os.read(receive, 64))
        for file in (receive, send, *files):
            os.close(file)


def _become(task: dict[str, Any], files: list[int]) -> list[str]:
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(task["env"])
    time.tzset()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored under nohup
    return list(task["words"])


def _run(words: list[str]) -> None:
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    if found := _attend(socket.socket(fileno=int(sys.argv[1]))):
        _run(found)
