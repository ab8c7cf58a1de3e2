"""Carries out what the hub asks for and this machine's allow-list names, each command once."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from services.agent.allow import MOST_LINES, arguments, is_name
from services.agent.files import decode, encode, write_durably
from services.agent.protocol import Command
from services.agent.runner import Runner
from services.agent.voice import Voice

#: Commands that are remembered. One that comes again after as many others has long expired.
REMEMBERED = 500
MOST_WAITING = 16
#: Results in one report: each has at most 64 KiB of output.
MOST_RESULTS = 4

RUNNING, DONE, FAILED = "running", "done", "failed"

Result = dict[str, Any]


class Commands:
    """A command is remembered on disk before it runs; if the agent dies meanwhile, it is told as
    failed and never run again. ``take``, ``results`` and ``delivered`` may be called while
    ``run`` is busy in a thread of its own. ``news`` is called when there is something to tell.
    """

    def __init__(
        self,
        folder: Path,
        allows: Sequence[str],
        runner: Runner,
        voice: Voice,
        news: Callable[[], None] = lambda: None,
    ) -> None:
        self.allows = tuple(allows)
        self._path = folder / "commands"
        self._runner, self._voice, self._news = runner, voice, news
        self._lock = threading.Condition()
        self._waiting: deque[tuple[Command, Callable[[], float]]] = deque()
        self._untold: dict[str, Result] = {}
        self._known: dict[str, Result] = {}
        self._unhurried: set[str] = set()
        self._ended = False
        for one in self._load():
            told = one.pop("told")
            self._known[one["id"]] = one
            if one["state"] == RUNNING:
                text = "The agent was ended while this ran: whether it took effect is not known"
                self._tell(_result(one["id"], FAILED, None, text))
            elif not told:
                self._untold[one["id"]] = one

    def take(self, commands: Iterable[Command], hub_time: Callable[[], float]) -> int:
        """Takes what the hub asks for; returns how much of it is new. ``hub_time`` is the hub's
        clock (seconds since the epoch)."""
        new = 0
        with self._lock:
            for command in commands:
                if command.id in self._known:
                    self._asked_again(command.id)
                    continue
                new += 1
                if refusal := self._refusal(command, hub_time()):
                    self._voice.event(f"command {command.id} is refused: {refusal}")
                    self._tell(_result(command.id, FAILED, None, f"Refused: {refusal}"))
                else:
                    self._known[command.id] = _result(command.id, RUNNING, None)
                    self._waiting.append((command, hub_time))
                    self._lock.notify_all()
        return new

    def has_news(self) -> bool:
        """Whether there is something that the hub should be told at once."""
        with self._lock:
            return bool(self._untold.keys() - self._unhurried)

    def results(self) -> list[Result]:
        """What the hub has not yet been told, the oldest first."""
        with self._lock:
            return list(self._untold.values())[:MOST_RESULTS]

    def delivered(self, results: Iterable[Mapping[str, Any]]) -> None:
        """The hub has these (or will never take them)."""
        with self._lock:
            for one in results:
                if self._untold.get(one["id"]) == one:
                    del self._untold[one["id"]]
                    self._unhurried.discard(one["id"])
                    # Asked again, the hub is told how it ended, without the output.
                    self._known[one["id"]] = _result(one["id"], one["state"], one["exitCode"])
                    if one["state"] != RUNNING:
                        self._try_to_remember()

    def run(self) -> None:
        """Carries out commands, one after the other, until ``end``."""
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._waiting or self._ended)
                if self._ended:
                    return
                command, hub_time = self._waiting.popleft()
            self._carry_out(command, hub_time)

    def end(self) -> None:
        """Ends ``run`` and the program that runs."""
        with self._lock:
            self._ended = True
            self._lock.notify_all()
        self._runner.close()

    def _asked_again(self, name: str) -> None:
        """The hub has lost how a command ended: it goes along with the next report, without a
        hurry, for a hub that keeps asking must not be answered in a loop."""
        if name not in self._untold and self._known[name]["state"] != RUNNING:
            self._untold[name] = self._known[name]
            self._unhurried.add(name)

    def _refusal(self, command: Command, hub_time: float) -> str | None:
        wanted = f"{command.action}:{command.unit}"
        if not is_name(command.unit) or wanted not in self.allows:
            return f"{wanted[:200]!r} is not in this agent's allow-list"
        if command.expires_at <= hub_time:
            return "it had expired"
        if len(self._waiting) >= MOST_WAITING:
            return f"{MOST_WAITING} others are waiting already"
        return None

    def _carry_out(self, command: Command, hub_time: Callable[[], float]) -> None:
        if command.expires_at <= hub_time():
            with self._lock:
                self._tell(_result(command.id, FAILED, None, "Refused: it expired while waiting"))
            return
        with self._lock:
            try:
                self._remember()
            except OSError as error:
                text = f"Refused: the agent's state folder cannot be written ({error.strerror})"
                self._tell(_result(command.id, FAILED, None, text))
                return
            self._tell(self._known[command.id])
        words = arguments(command.action, command.unit, min(max(command.lines, 1), MOST_LINES))
        self._voice.event(f"command {command.id}: {' '.join(words)}", logging.INFO)
        outcome = self._runner.run(words)
        with self._lock:
            if self._ended:  # we ended the program ourselves; the next start tells so
                return
            state = DONE if outcome.exit_code == 0 else FAILED
            self._voice.event(f"command {command.id}: {state} ({outcome.exit_code})", logging.INFO)
            self._tell(_result(command.id, state, outcome.exit_code, outcome.output))

    def _tell(self, result: Result) -> None:
        name = result["id"]
        self._known[name] = result
        self._untold.pop(name, None)
        self._untold[name] = result
        if result["state"] != RUNNING:
            self._forget_oldest()
            self._try_to_remember()
        self._news()

    def _forget_oldest(self) -> None:
        settled = [
            name
            for name, one in self._known.items()
            if name not in self._untold and one["state"] != RUNNING
        ]
        for name in settled[: max(len(self._known) - REMEMBERED, 0)]:
            del self._known[name]

    def _remember(self) -> None:
        rows = [{**one, "told": one["id"] not in self._untold} for one in self._known.values()]
        write_durably(self._path, encode(len(rows), json.dumps(rows).encode()))

    def _try_to_remember(self) -> None:
        # Without it the result is told all the same, and after a crash as "not known".
        with contextlib.suppress(OSError):
            self._remember()

    def _load(self) -> list[Result]:
        try:
            found = decode(self._path.read_bytes())
        except OSError:
            return []
        if found is None:
            self._voice.event(f"{self._path} is damaged; the commands of before are forgotten")
            return []
        rows: list[Result] = json.loads(found[1])
        return rows


def _result(name: str, state: str, code: int | None, output: str = "") -> Result:
    return {"id": name, "state": state, "exitCode": code, "output": output}
