"""Runs one argument list, with an end to its time and to its output."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

TIME_LIMIT = 60.0
OUTPUT_LIMIT = 64 * 1024

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
#: Control characters but tab and newline, and the marks that turn the direction of a line.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Outcome:
    """``exit_code`` is None when the program could not be started or did not end in time."""

    exit_code: int | None
    output: str


class Runner:
    """Runs one program at a time, without a shell and without this process' secrets."""

    def __init__(self, path: str, time_limit: float = TIME_LIMIT) -> None:
        self._env = {"PATH": path, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        self._time_limit = time_limit
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def run(self, arguments: Sequence[str]) -> Outcome:
        """The end of what the program wrote (both streams), and how it ended."""
        try:
            process = subprocess.Popen(  # noqa: S603 - a list of checked words, never a shell
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            return Outcome(None, f"{arguments[0]} cannot be started: {error.strerror}")
        self._process = process
        if self._closed:  # it was closed while the program was being started
            self.end()
        try:
            output, in_time = self._follow(process)
        finally:
            self.end()
            code = process.wait()
            self._process = None
        text = clean(output)
        if not in_time:
            note = f"{arguments[0]} was ended, because it took more than {self._time_limit:g} s"
            return Outcome(None, f"{text}\n{note}".lstrip("\n"))
        return Outcome(code, text)

    def close(self) -> None:
        """Ends the program that runs, or is being started, for good. From any thread."""
        self._closed = True
        self.end()

    def end(self) -> None:
        """Ends the program that runs, and what it has started."""
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)

    def _follow(self, process: subprocess.Popen[bytes]) -> tuple[bytes, bool]:
        """Reads until the program has ended: something that it left behind may keep the pipe
        open for ever. Returns the end of the output, and whether the program ended in time."""
        assert process.stdout is not None  # noqa: S101 - for the type checker
        kept = bytearray()
        deadline = time.monotonic() + self._time_limit
        with process.stdout as pipe:
            while (left := deadline - time.monotonic()) > 0:
                ended = process.poll() is not None
                if select.select([pipe], [], [], 0 if ended else min(left, 0.25))[0]:
                    chunk = os.read(pipe.fileno(), 65536)
                    if not chunk:
                        return bytes(kept), _ends(process, left)
                    kept += chunk
                    del kept[: -4 * OUTPUT_LIMIT]
                elif ended:
                    return bytes(kept), True
        return bytes(kept), False


def _ends(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def clean(output: bytes) -> str:
    """Readable text without control characters, at most ``OUTPUT_LIMIT`` bytes: the end of it."""
    text = output.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROLS.sub("", _ESCAPES.sub("", text))
    encoded = text.encode()
    if len(encoded) <= OUTPUT_LIMIT:
        return text
    note = "[the beginning is left out]\n"
    return note + encoded[-(OUTPUT_LIMIT - len(note)) :].decode("utf-8", "ignore")
