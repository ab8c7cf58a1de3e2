"""What the command line does beside serving. Each command prints its answer, or raises a
HealthdeckError that says what would be right."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import json
import os
import sys
from pathlib import Path
from typing import Any


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


def reset_password(args: argparse.Namespace) -> None:
    """A new password; whoever is logged in by the old one is put out."""
    from services import settings
    from services.events import Bus
    from services.identity import Identity
    from services.web.database_check import open_database

    ours, password = settings.load(), read_password(args)
    with contextlib.closing(open_database(ours)) as database:
        Identity(database, ours, Bus()).users.reset_password(args.name, password)
    say(args, f"{args.name} can log in with the new password", name=args.name)


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


def backup(args: argparse.Namespace) -> None:
    from services import backup, settings

    made = backup.make(settings.load(), Path(args.file).absolute())
    secrets = f" and {' and '.join(made.secrets)}" if made.secrets else ""
    text = f"wrote {made.file}: the database{secrets}, {made.size} bytes"
    fields = {"size": made.size, "databaseSize": made.database_size, "revision": made.revision}
    say(args, text, file=str(made.file), secrets=made.secrets, **fields)


def restore(args: argparse.Namespace) -> None:
    from services import backup, settings, times

    done = backup.restore(settings.load(), Path(args.file).absolute(), log_out=args.log_out)
    made_at, kept = times.iso(done.made_at), done.kept and str(done.kept)
    lines = [f"restored what was backed up at {made_at}"]
    lines += [f"what was there before is kept: {kept}"] if kept else []
    if args.log_out:
        lines.append("everybody has to log in again, and tokens of scripts are void")
    lines += [f"{name.upper()} is the environment's, not the backup's" for name in done.unused]
    fields = {"madeAt": made_at, "revision": done.revision, "kept": kept}
    say(args, "\n".join(lines), secrets=done.secrets, unused=done.unused, **fields)


def doctor(args: argparse.Namespace) -> None:
    """Prints what was found; exits with 1 when something is broken."""
    from services.doctor import examine

    found = examine()
    well = all(one.state != "broken" for one in found)
    if args.json:
        checks = [{"name": one.name, "state": one.state, "text": one.text} for one in found]
        sys.stdout.write(f"{json.dumps({'ok': well, 'checks': checks})}\n")
    else:
        sys.stdout.writelines(f"{one.state:8} {one.name:14} {one.text}\n" for one in found)
    sys.exit(0 if well else 1)


def enroll(args: argparse.Namespace) -> None:
    """Gives a server's agent its token, and the command to run there."""
    from services import settings
    from services.identity.agent_tokens import AgentTokens, install_command
    from services.identity.audit import Actor
    from services.inventory.desk import InventoryDesk
    from services.inventory.load import read_inventory
    from services.inventory.schema import Inventory
    from services.web.database_check import open_database

    ours = settings.load(inventory=args.inventory)
    file = read_inventory(ours.inventory, os.environ) if ours.inventory else Inventory()
    with contextlib.closing(open_database(ours)) as database:
        found = InventoryDesk(database, file, lambda _changed: None).inventory
        sources = {vps.id: vps.source.type if vps.source else None for vps in found.vps}
        text = AgentTokens(database, lambda: sources).enroll(args.vps_id, Actor("command line"))
    command = install_command(args.hub or f"http://{ours.host}:{ours.port}{ours.url_prefix}", text)
    told = f"{text}\n\nThe token is shown this once. On {args.vps_id} run:\n\n  {command}"
    say(args, told, token=text, command=command)


def agent(args: argparse.Namespace) -> None:
    from services.agent import cli

    sys.exit(cli.run(args))


def say(args: argparse.Namespace, text: str, **fields: Any) -> None:
    sys.stdout.write(f"{json.dumps({'ok': True, **fields}) if args.json else text}\n")
