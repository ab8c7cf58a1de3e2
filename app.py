"""Healthdeck's entry: the application, and the command line."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import json
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    from services.settings import Settings

ROLES = ("admin", "super_admin")


def create_app(settings: Settings) -> Flask:
    """The whole application, not yet started (the server does). Raises ConfigurationError."""
    from werkzeug.middleware.proxy_fix import ProxyFix

    from services import bootstrap
    from services.web import dash_app
    from services.web.stream import hub

    services = bootstrap.build(settings)
    app: Flask = dash_app.create(services).server
    hub.attach(app, services)
    if hops := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign]
    return app


def serve(args: argparse.Namespace) -> None:
    from services import logs, settings
    from services.web import preflight, server

    sys.stderr.writelines(f"warning: {line}\n" for line in settings.near_misses(os.environ))
    ours = settings.load(host=args.host, port=args.port, inventory=args.inventory)
    logs.configure(ours.log_level, ours.log_format, secrets=(ours.secret_key, ours.jwt_secret))
    server.serve(preflight.prepare(ours), partial(create_app, ours))


def token(args: argparse.Namespace) -> None:
    from services.identity.tokens import Tokens
    from services.settings import load

    text = Tokens(load()).issue(args.role, args.subject, args.minutes, args.tenant)
    say(args, text, token=text, role=args.role, minutes=args.minutes)


def create_user(args: argparse.Namespace) -> None:
    from services import settings
    from services.events import Bus
    from services.identity import Identity
    from services.web.database_check import open_database

    ours, password = settings.load(), read_password(args)
    with contextlib.closing(open_database(ours)) as database:
        Identity(database, ours, Bus()).create_user(args.name, password, args.role)
    say(args, f"{args.name} can log in as {args.role}", name=args.name, role=args.role)


def read_password(args: argparse.Namespace) -> str:
    if args.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        args.usage("there is no terminal to ask for the password on; use --password-stdin")
    return getpass.getpass(f"Password for {args.name}: ")


def check_config(args: argparse.Namespace) -> None:
    from services.inventory.load import read_inventory

    found = read_inventory(Path(args.file))
    services = [service for vps in found.vps for service in vps.services]
    parts = {"VPS": found.vps, "service": services, "tenant": found.tenants}
    parts |= {"contact": found.contacts, "rule": found.rules}
    sizes = {name: len(part) for name, part in parts.items()}
    words = (f"{n} {name}{'' if n == 1 else 's'}" for name, n in sizes.items())
    say(args, f"ok: {', '.join(words).replace('VPSs', 'VPSes')}", found=sizes)


def migrate(args: argparse.Namespace) -> None:
    from services import settings
    from services.web.database_check import open_database

    open_database(settings.load()).close()
    say(args, "the database has the current schema")


def say(args: argparse.Namespace, text: str, **fields: Any) -> None:
    sys.stdout.write(f"{json.dumps({'ok': True, **fields}) if args.json else text}\n")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="app.py", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)

    def command(run: Any, name: str, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run, usage=made.error)
        made.add_argument("--json", action="store_true", help="answer as JSON")
        return made

    one = command(serve, "serve", "run the dashboard (also without a command)")
    one.add_argument("--host", help="address to listen on (HOST, 127.0.0.1)")
    one.add_argument("--port", help="port to listen on (PORT, 8050)")
    one.add_argument("--inventory", metavar="FILE", help="what is watched (INVENTORY)")
    one = command(token, "token", "print a signed token for a script")
    one.add_argument("--role", choices=ROLES, required=True)
    one.add_argument("--subject", default="command-line", help="whom it is for")
    one.add_argument("--minutes", type=float, default=60, help="how long it is good (60)")
    one.add_argument("--tenant", action="append", help="limit it to this tenant; may be repeated")
    one = command(create_user, "create-user", "create somebody who can log in")
    one.add_argument("name")
    one.add_argument("--role", choices=ROLES, required=True)
    one.add_argument("--password-stdin", action="store_true", help="read it from standard input")
    one = command(check_config, "check-config", "validate an inventory")
    one.add_argument("file")
    command(migrate, "migrate", "bring the database to the current schema")
    return top


def main(argv: Sequence[str]) -> int:
    """The exit code: 0 done, 1 the input was wrong, 2 usage."""
    from services.errors import HealthdeckError

    if not argv or (argv[0].startswith("-") and argv[0] not in ("-h", "--help")):
        argv = ["serve", *argv]
    args = parser().parse_args(argv)
    try:
        args.run(args)
    except HealthdeckError as error:
        failed = {"ok": False, "error": error.message, "details": error.details}
        stream, text = (sys.stdout, json.dumps(failed)) if args.json else (sys.stderr, error)
        stream.write(f"{text}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
