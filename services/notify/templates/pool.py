"""The processes that render templates, kept warm, ended when one takes too long."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from services.notify.templates.parts import Problem, TemplateError
from services.notify.templates.worker import LENGTH, send

#: Seconds that rendering one message may take, the wait for a free process included. With ending
#: the process it is refused within 2 s.
LIMIT = 1.5
#: Seconds in which a process must be ready that was only just started.
START_LIMIT = 5.0
#: An answer that is larger is not even read: what comes in from a template stays small.
LONGEST_ANSWER = 4 * 1024 * 1024


class _Lost(Exception):
    """The process is gone, or has said something that cannot be."""


class _Late(Exception):
    """There was no answer in time."""


class _Worker:
    """One process. It knows no environment, so it has no secret to tell, and belongs to no
    terminal, so that Ctrl-C leaves it to its parent."""

    def __init__(self) -> None:
        path = os.pathsep.join(each or str(Path.cwd()) for each in sys.path)
        with ExitStack() as failing:
            link, theirs = socket.socketpair()
            failing.enter_context(link)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "services.notify.templates.worker"],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={"PYTHONPATH": path},
                    start_new_session=True,
                )
            failing.pop_all()
        self._link = link
        self._ready = False

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    def ask(self, task: Mapping[str, Any], until: float) -> dict[str, Any]:
        """The answer before ``until`` (monotonic); a start of its own is not counted in. Raises
        _Lost and _Late, after which the process is of no use."""
        if not self._ready:
            started = time.monotonic()
            self._receive(started + START_LIMIT)
            until += time.monotonic() - started
            self._ready = True
        seconds = until - time.monotonic()
        if seconds <= 0:
            raise _Late
        try:
            self._link.settimeout(seconds)
            send(self._link, {"seconds": seconds, "task": task})
        except TimeoutError:
            raise _Late from None
        except OSError:
            raise _Lost from None
        return self._receive(until)

    def kill(self) -> None:
        """Whoever waits for its answer learns that it is lost."""
        self._process.kill()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._link.close()

    def _receive(self, until: float) -> dict[str, Any]:
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size, until))
        if length > LONGEST_ANSWER:
            raise _Lost
        try:
            answer = json.loads(self._exactly(length, until))
        except ValueError:
            raise _Lost from None
        return answer if isinstance(answer, dict) else {}

    def _exactly(self, count: int, until: float) -> bytes:
        data = bytearray()
        while len(data) < count:
            seconds = until - time.monotonic()
            if seconds <= 0:
                raise _Late
            try:
                self._link.settimeout(seconds)
                piece = self._link.recv(count - len(data))
            except TimeoutError:
                raise _Late from None
            except OSError:
                raise _Lost from None
            if not piece:
                raise _Lost
            data += piece
        return bytes(data)


class Workers:
    """``count`` processes, each started when it is needed first. ``limit``: seconds a message."""

    def __init__(self, count: int, limit: float = LIMIT) -> None:
        self._limit = limit
        self._free: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        self._lock = threading.Lock()
        self._working: set[_Worker] = set()
        self._closed = False
        for _ in range(count):
            self._free.put(None)

    def render(
        self,
        parts: Mapping[str, str],
        contexts: list[dict[str, Any]],
        names: Mapping[str, Any] | None = None,
    ) -> dict[str, str]:
        """``sandbox.render`` in one of the processes. Raises TemplateError, and OSError when no
        process can be started."""
        until = time.monotonic() + self._limit
        task = {"parts": dict(parts), "contexts": contexts, "names": names}
        where = ", ".join(parts)
        try:
            worker = self._free.get(timeout=self._limit)
        except queue.Empty:
            raise _refused(where, "all processes that could render it are busy") from None
        try:
            # A process may have been ended from outside, while it waited or while it worked.
            for _ in range(2):
                worker = worker or self._start()
                keep = False
                try:
                    answer = worker.ask(task, until)
                    keep = "leaves" not in answer
                    return _read(answer, parts)
                except _Late:
                    raise _refused(where, f"it takes longer than {self._limit:g} s") from None
                except _Lost:
                    keep = False
                finally:
                    if not keep:
                        self._end(worker)
                        worker = None
            raise _refused(where, "it ended the process that renders it: too much memory?")
        finally:
            self._give_back(worker)

    def pids(self) -> list[int]:
        """The processes that run."""
        with self._lock:
            return [worker.pid for worker in self._working]

    def close(self) -> None:
        """Ends them all; what is being rendered fails, and what is rendered later."""
        with self._lock:
            self._closed = True
            for busy in self._working:
                busy.kill()
        waiting = []
        with suppress(queue.Empty):
            while True:
                waiting.append(self._free.get_nowait())
        for worker in waiting:
            self._give_back(worker)

    def _start(self) -> _Worker:
        with self._lock:
            if self._closed:
                raise OSError("Healthdeck is stopping")
            worker = _Worker()
            self._working.add(worker)
            return worker

    def _end(self, worker: _Worker) -> None:
        with self._lock:
            self._working.discard(worker)
        worker.end()

    def _give_back(self, worker: _Worker | None) -> None:
        """A process that had to be ended is replaced at once, so that the next message does not
        wait for its start."""
        if worker is None:
            with suppress(OSError):
                worker = self._start()
        with self._lock:
            closed = self._closed
        if worker and closed:
            self._end(worker)
            worker = None
        self._free.put(worker)


def _read(answer: dict[str, Any], parts: Mapping[str, str]) -> dict[str, str]:
    if problems := answer.get("problems"):
        raise TemplateError(*(Problem(*each) for each in problems))
    texts = answer.get("texts")
    if not isinstance(texts, dict) or texts.keys() != parts.keys():
        raise _Lost
    return {part: str(text) for part, text in texts.items()}


def _refused(where: str, problem: str) -> TemplateError:
    return TemplateError(Problem(where, None, problem))
