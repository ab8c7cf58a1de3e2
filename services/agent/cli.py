"""The agent's command: ``python agent.pyz --hub URL --token-file FILE``."""

from __future__ import annotations

import argparse
import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Sequence

from services.agent import VERSION
from services.agent.files import AgentError
from services.agent.options import Options, add_arguments, read_options

ABOUT = "Reads this machine and reports to Healthdeck, until it is told to stop."

NO_PSUTIL = (
    "The agent needs psutil to read this machine, and this Python has none. Install it: "
    "apt-get install python3-psutil (or: dnf install python3-psutil, pip install psutil)"
)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 told to stop, 1 it cannot work, 2 usage."""
    parser = argparse.ArgumentParser(prog="agent.pyz", description=ABOUT)
    parser.add_argument("--version", action="version", version=f"healthdeck-agent {VERSION}")
    add_arguments(parser)
    return run(parser.parse_args(argv))


def run(args: argparse.Namespace) -> int:
    """Works until SIGTERM or SIGINT, and then ends within two seconds."""
    try:
        return _work(read_options(args))
    except AgentError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _work(options: Options) -> int:
    _log_to_stderr()
    try:
        import psutil  # noqa: F401 - before anything is begun
    except ImportError as error:
        raise AgentError(NO_PSUTIL) from error
    from services.agent.agent import Agent
    from services.host import HostReader

    threading.excepthook = _broken
    told = _signals()
    agent = Agent(options, HostReader("vps"), os.environ.get("PATH") or os.defpath)
    log = logging.getLogger("healthdeck-agent")
    for warning in options.warnings:
        log.warning("%s", warning)
    may = ", ".join(options.allows) or "nothing"
    log.info("%s reports to %s; the hub may ask for: %s", VERSION, options.hub, may)
    agent.start()
    select.select([told], [], [])
    if not agent.stop():
        # Something hangs in the system (a resolver, a disk). All that counts is on disk.
        logging.shutdown()
        os._exit(0)
    return 0


def _broken(error: threading.ExceptHookArgs) -> None:
    """A mistake of ours ends the process instead of a part of it: whoever started the agent
    starts it again, and nothing that counts is in memory."""
    found = (error.exc_type, error.exc_value or error.exc_type(), error.exc_traceback)
    logging.getLogger("healthdeck-agent").critical("the agent is broken", exc_info=found)
    logging.shutdown()
    os._exit(1)


def _signals() -> int:
    """A descriptor that can be read once we are told to stop. A handler that did more could
    meet a lock that the interrupted thread holds."""
    told, tell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return told


def _log_to_stderr() -> None:
    # The journal has its own clock.
    timed = "" if os.environ.get("JOURNAL_STREAM") else "%(asctime)s "
    logging.basicConfig(level=logging.INFO, format=f"{timed}%(levelname)s %(message)s", force=True)
