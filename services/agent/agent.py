"""The agent at work: one thread reads, one reports, one carries out commands."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from services.agent.buffer import Buffer
from services.agent.clock import Clock
from services.agent.commands import Commands
from services.agent.files import AgentError, take_folder
from services.agent.link import Link
from services.agent.options import Options
from services.agent.protocol import content_of
from services.agent.runner import Runner
from services.agent.sender import Sender
from services.agent.voice import Voice
from services.observation import Observation

#: The first reading comes after at most so many seconds, so that a new server shows at once.
SOON = 1.0
#: What a hub may ask for, in seconds.
SHORTEST_WISH, LONGEST_WISH = 1.0, 3600.0
#: Seconds that the threads have at the end. What they leave undone, the next start takes up.
LEAVE = 1.0


class Reader(Protocol):
    """What a HostReader does."""

    def read(self, now: float) -> Observation: ...


class Agent:
    """``start`` returns at once; ``stop`` within LEAVE seconds or a little more. A state folder
    has one agent: construction raises AgentError when there is another."""

    def __init__(
        self, options: Options, reader: Reader, path: str, clock: Clock | None = None
    ) -> None:
        self._clock = clock or Clock()
        self._reader = reader
        self._voice = Voice(self._clock.steady)
        self._lock = take_folder(options.state)
        self._interval = options.interval
        self._ended = False
        self._paced, self._news = threading.Event(), threading.Event()
        self._buffer = Buffer(options.state, self._voice, self._clock.steady)
        runner = Runner(path)
        self._commands = Commands(
            options.state, options.allows, runner, self._voice, self._news.set
        )
        self._link = Link(options.hub)
        token = _kept(options.token)
        self._sender = Sender(
            self._link,
            token,
            self._buffer,
            self._commands,
            self._clock,
            self._voice,
            self._pace,
        )
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for name, work in (
                ("read", self._read),
                ("report", self._report),
                ("commands", self._commands.run),
            )
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> bool:
        """Ends everything that is under way; whether all threads have ended."""
        self._ended = True
        self._paced.set()
        self._news.set()
        self._commands.end()
        self._link.abort()
        until = self._clock.steady() + LEAVE
        for thread in self._threads:
            thread.join(max(until - self._clock.steady(), 0))
        self._buffer.close()
        return not any(thread.is_alive() for thread in self._threads)

    def _read(self) -> None:
        steady = self._clock.steady
        due = steady() + min(self._interval, SOON)
        while True:
            # Not a sleep: a new interval and the end are heard at once.
            if self._paced.wait(max(due - steady(), 0)):
                self._paced.clear()
                due = min(due, steady() + self._interval)
                if self._ended:
                    return
                continue
            self._buffer.append(content_of(self._look(), self._clock, self._own_facts()))
            self._news.set()
            due += self._interval
            late = steady() - due
            if late > 0:  # after a suspend or a slow disk: the cadence goes on, without a burst
                due += (late // self._interval + 1) * self._interval

    def _look(self) -> Observation:
        now = self._clock.wall()
        try:
            return self._reader.read(now)
        except Exception as error:
            logging.getLogger(__name__).debug("the machine cannot be read", exc_info=error)
            return Observation("", now, error=f"the machine cannot be read: {error!r}")

    def _own_facts(self) -> dict[str, str | int]:
        facts: dict[str, str | int] = {}
        if trouble := self._buffer.trouble:
            facts["agentBuffer"] = f"in memory only: {trouble}"
        if lost := self._buffer.dropped:
            facts["agentDropped"] = lost
        return facts

    def _report(self) -> None:
        while not self._ended:
            pause = self._sender.pause()
            if pause is not None and pause <= 0:
                self._sender.report()
                continue
            # A reading or a result wakes us; it is told at once unless the hub wants a rest.
            self._news.wait(pause)
            self._news.clear()

    def _pace(self, wish: float | None) -> float:
        """Takes the hub's interval; returns the one in force."""
        if wish is not None:
            wish = min(max(wish, SHORTEST_WISH), LONGEST_WISH)
            if wish != self._interval:
                self._interval = wish
                self._paced.set()
        return self._interval


def _kept(read: Callable[[], str]) -> Callable[[], str]:
    """The token; the one before while it cannot be read."""
    last = read()

    def again() -> str:
        nonlocal last
        try:
            last = read()
        except AgentError:
            return last
        return last

    return again
