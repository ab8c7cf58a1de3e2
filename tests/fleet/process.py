"""The fleet in a process of its own, for tests and benchmarks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.support.product import ROOT
from tests.support.wait import free_port

_ATTEMPTS = 5


class Fleet:
    """``Fleet(folder, vps=100, exporters=50, ...)`` plays until ``close``; the words are those of
    ``python -m tests.fleet --help``, with ``_`` for ``-`` and True for a bare one. The process
    ends with the one that started it."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.inventory = folder / "fleet.yaml"
        for attempt in range(_ATTEMPTS):
            self.port_base = free_port()
            given = {"port_base": self.port_base, "inventory": self.inventory, **options}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fleet", "--with-parent", *_arguments(given)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert self._process.stdout is not None
            if line := self._process.stdout.readline():
                break
            _, problem = self._process.communicate(timeout=10)
            assert "in use" in problem, problem
            assert "port_base" not in options, problem
            assert attempt + 1 < _ATTEMPTS, problem
        self.ready: dict[str, Any] = json.loads(line)
        self._client = httpx.Client(base_url=self.ready["control"], timeout=10)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ca(self) -> str:
        """What Healthdeck must trust: give it as SSL_CERT_FILE."""
        return str(self.ready["ca"])

    def fault(self, target: str, kind: str, **more: Any) -> dict[str, Any]:
        """Makes something go wrong; ``monotonic`` in the answer is the moment by this machine's
        monotonic clock, the same as time.monotonic() here."""
        return self._asked("POST", "/faults", json={"target": target, "kind": kind, **more})

    def mend(self, fault: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ends a fault, or all; the answer's ``ended_monotonic`` is the moment."""
        return self._asked("DELETE", f"/faults/{fault['id']}" if fault else "/faults")

    def stats(self) -> dict[str, Any]:
        return self._asked("GET", "/stats")

    def enlist(self, hub: str, tokens: dict[str, str], interval: float = 30) -> dict[str, Any]:
        """Lets the agents of these servers report to a hub."""
        wanted = {"hub": hub, "tokens": tokens, "interval": interval}
        return self._asked("POST", "/agents", json=wanted)

    def send_agents(self, way: str) -> dict[str, Any]:
        """``away`` or ``back``"""
        return self._asked("POST", f"/agents/{way}")

    def agent(self, vps: str) -> dict[str, Any]:
        """What one agent was told is stored: ``acknowledged`` as [seq, at]."""
        return self._asked("GET", f"/agents/{vps}")

    def close(self) -> None:
        self._client.close()
        self._process.terminate()
        self._process.communicate(timeout=15)

    def _asked(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = self._client.request(method, path, **more)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found


def _arguments(options: dict[str, Any]) -> list[str]:
    words: list[str] = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        words += [flag] if value is True else [flag, str(value)]
    return words
