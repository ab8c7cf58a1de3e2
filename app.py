"""Healthdeck's entry: the application, and the command line."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    from services.settings import Settings

ROLES = ("admin", "super_admin")


def create_app(settings: Settings) -> Flask:
    """The whole application, not yet started (the server does). Raises ConfigurationError."""
    from werkzeug.middleware.proxy_fix import ProxyFix

    from services import bootstrap
    from services.web import dash_app, prefix
    from services.web.stream import hub

    services = bootstrap.build(settings)
    app: Flask = dash_app.create(services).server
    hub.attach(app, services)
    if hops := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign]
    if settings.url_prefix:
        app.wsgi_app = prefix.Below(app.wsgi_app, settings.url_prefix)  # type: ignore[method-assign]
    return app


def serve(args: argparse.Namespace) -> None:
    from services import logs, settings
    from services.web import preflight, server

    sys.stderr.writelines(f"warning: {line}\n" for line in settings.near_misses(os.environ))
    ours = settings.load(host=args.host, port=args.port, inventory=args.inventory)
    logs.configure(ours.log_level, ours.log_format, secrets=(ours.secret_key, ours.jwt_secret))
    server.serve(preflight.prepare(ours), partial(create_app, ours))


def parser() -> argparse.ArgumentParser:
    from services import commands
    from services.agent import options

    top = argparse.ArgumentParser(prog="app.py", description=__doc__)
    known = top.add_subparsers(dest="command", required=True)

    def command(run: Any, name: str, text: str) -> argparse.ArgumentParser:
        made = known.add_parser(name, help=text, description=text)
        made.set_defaults(run=run, usage=made.error)
        made.add_argument("--json", action="store_true", help="answer as JSON")
        return made

    one = command(serve, "serve", "run the dashboard (also without a command)")
    one.add_argument("--host", help="address to listen on (HOST, 127.0.0.1)")
    one.add_argument("--port", help="port to listen on (PORT, 8050)")
    one.add_argument("--inventory", metavar="FILE", help="what is watched (INVENTORY)")
    one = command(commands.token, "token", "print a signed token for a script")
    one.add_argument("--role", choices=ROLES, required=True)
    one.add_argument("--subject", default="command-line", help="whom it is for")
    one.add_argument("--minutes", type=float, default=60, help="how long it is good (60)")
    one.add_argument("--tenant", action="append", help="limit it to this tenant; may be repeated")
    one = command(commands.create_user, "create-user", "create somebody who can log in")
    one.add_argument("name")
    one.add_argument("--role", choices=ROLES, required=True)
    one.add_argument("--password-stdin", action="store_true", help="read it from standard input")
    one = command(commands.reset_password, "reset-password", "give somebody a new password")
    one.add_argument("name")
    one.add_argument("--password-stdin", action="store_true", help="read it from standard input")
    one = command(commands.check_config, "check-config", "validate an inventory")
    one.add_argument("file")
    one = command(commands.enroll, "enroll", "give the agent of a server its token")
    one.add_argument("vps_id", metavar="VPS_ID")
    one.add_argument("--hub", metavar="URL", help="our address as that server reaches it")
    one.add_argument("--inventory", metavar="FILE", help="what is watched (INVENTORY)")
    one = command(commands.agent, "agent", "report this machine to a Healthdeck; runs on a VPS")
    options.add_arguments(one)
    one = command(commands.backup, "backup", "copy everything into one file, also while it runs")
    one.add_argument("file")
    one = command(commands.restore, "restore", "put a backup in place; Healthdeck must not run")
    one.add_argument("file")
    one.add_argument("--log-out", action="store_true", help="end all logins and tokens")
    command(commands.doctor, "doctor", "say what works and what does not")
    command(commands.migrate, "migrate", "bring the database to the current schema")
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
