"""How the agent is told what to do: its command line and its environment."""

from __future__ import annotations

import argparse
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from services.agent.allow import allow_list
from services.agent.files import AgentError

SHORTEST, LONGEST = 0.1, 3600.0

_TOKEN = re.compile(r"[\x21-\x7e]{8,512}")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

_HELP = "how the hub knows this machine; seen by all users of it, so a file is better"


@dataclass(frozen=True)
class Options:
    """``interval`` in seconds, in force until the hub names another. ``token`` reads it anew,
    so that a new one in the file is found. ``warnings`` are worth a line at the start."""

    hub: str
    token: Callable[[], str]
    allows: tuple[str, ...]
    state: Path
    interval: float
    warnings: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The agent's command line. Nothing is read or loaded yet."""
    add = parser.add_argument
    add("--hub", metavar="URL", required=True, help="the address of Healthdeck")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--token", metavar="T", help=f"{_HELP} (HEALTHDECK_TOKEN)")
    either.add_argument("--token-file", metavar="FILE", help="a file that holds the token")
    add(
        "--allow",
        metavar="ACTION:UNIT",
        action="extend",
        nargs="+",
        default=[],
        help="what the hub may ask for: restart:UNIT, logs:UNIT, restart:container:NAME, "
        "logs:container:NAME; may be repeated (nothing)",
    )
    add("--state", metavar="DIR", help="where readings are kept while the hub is away")
    add(
        "--interval",
        metavar="SECONDS",
        type=float,
        default=30.0,
        help="seconds between readings, until the hub names others (30)",
    )


def read_options(args: argparse.Namespace, env: Mapping[str, str] = os.environ) -> Options:
    """What was asked for, checked. Raises AgentError."""
    hub, warnings = _hub(args.hub)
    if args.token:
        warnings.append("a token on the command line is seen by all users: prefer --token-file")
    if not (math.isfinite(args.interval) and SHORTEST <= args.interval <= LONGEST):
        raise AgentError(f"--interval is {args.interval:g}; right is {SHORTEST:g} to {LONGEST:g}")
    token = _token(args, env)
    token()
    state = Path(args.state) if args.state else _state(env)
    return Options(hub, token, allow_list(args.allow), state, args.interval, tuple(warnings))


def _hub(text: str) -> tuple[str, list[str]]:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = None
    if not good or not text.isascii() or not text.isprintable() or " " in text:
        raise AgentError("--hub is not an address; right is https://healthdeck.example")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise AgentError(
            "--hub has more than an address (a user, a query); right is https://healthdeck.example"
        )
    warnings = []
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        warnings.append("the token and the readings travel unencrypted: https would be right")
    return text, warnings


def _token(args: argparse.Namespace, env: Mapping[str, str]) -> Callable[[], str]:
    given = args.token or (None if args.token_file else env.get("HEALTHDECK_TOKEN"))
    file = args.token_file or env.get("HEALTHDECK_TOKEN_FILE")
    if not given and not file:
        raise AgentError(
            "The token is missing; give it with --token-file FILE or as HEALTHDECK_TOKEN. "
            "`python app.py enroll VPS_ID` on the hub makes one"
        )

    def read() -> str:
        try:
            text = given or Path(str(file)).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is not text"
            raise AgentError(f"The token file {file} cannot be read: {why}") from error
        if not _TOKEN.fullmatch(text):
            raise AgentError("The token is not one: right are the letters that `enroll` printed")
        return text

    return read


def _state(env: Mapping[str, str]) -> Path:
    if given := env.get("STATE_DIRECTORY"):  # systemd's StateDirectory=
        return Path(given.partition(":")[0])
    if os.geteuid() == 0:
        return Path("/var/lib/healthdeck-agent")
    home = env.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "healthdeck-agent"
