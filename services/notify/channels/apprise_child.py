"""Sends one message by apprise: ``python -m services.notify.channels.apprise_child``, the task as
JSON on its standard input and the answer as JSON on its standard output.

Every connection of this process is judged where it is made, by the address that it really goes
to. Neither a name that resolves differently the second time, nor a redirect, nor a host hidden
in a parameter of the URL gets past that.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from ipaddress import ip_network
from typing import Any

from services.notify.address_guard import Network, refusal

_CONNECTING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_STARTING = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "subprocess.Popen",
    }
)


class Guard:
    """Refuses connections to special addresses, to whatever is no IP address, and programs."""

    def __init__(self, allow: Sequence[Network]) -> None:
        self._allow = allow
        self.refused = ""

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event in _STARTING:
            self._refuse("it would start another program")
        if event in _CONNECTING and args[-1] is not None:
            address = args[-1]
            if not isinstance(address, tuple):
                self._refuse("it leads to a socket of this machine")
            try:
                why = refusal(str(address[0]), self._allow)
            except ValueError:  # the system would look the name up, and nobody judge the address
                why = "it connects by a name instead of an address"
            if why:
                self._refuse(why)

    def _refuse(self, why: str) -> None:
        self.refused = self.refused or why
        raise PermissionError(why)


class Said(logging.Handler):
    """Keeps the warnings, which is all that apprise tells of a failure."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def main() -> None:
    task = json.load(sys.stdin)
    answers, sys.stdout = sys.stdout, sys.stderr  # a plug-in may print
    json.dump(_send(task), answers)
    answers.flush()
    os._exit(0)  # whatever thread a plug-in has left behind


def _send(task: dict[str, Any]) -> dict[str, Any]:
    apprise = import_module("apprise")
    said, guard = Said(), Guard([ip_network(one) for one in task["allow"]])
    logger = logging.getLogger("apprise")
    logger.addHandler(said)
    logger.propagate = False
    asset = apprise.AppriseAsset(http_redirects=False, storage_mode="memory")
    service = apprise.Apprise.instantiate(task["url"], asset=asset)
    if service is None:
        return {"unusable": True}
    service.redirects = False
    sys.addaudithook(guard)
    try:
        sent = service.notify(
            title=task["title"], body=task["body"], notify_type=apprise.NotifyType(task["type"])
        )
    except Exception as error:
        said.lines.append(type(error).__name__)
        sent = False
    return {"sent": bool(sent), "refused": guard.refused, "said": "; ".join(said.lines)[:1000]}


if __name__ == "__main__":
    main()
