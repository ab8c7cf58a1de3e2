"""What works and what does not, one finding a part. Nothing is changed or sent; a part that is
not set up is no fault."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from services import settings as settings_module
from services.doctor import around, store
from services.doctor.finding import Finding
from services.errors import ConfigurationError
from services.inventory.load import read_inventory
from services.settings import Settings
from services.web import vendor

__all__ = ["Finding", "examine"]


def examine(environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """Everything that can be looked at; only the settings, when they are wrong."""
    try:
        ours = settings_module.load(environ)
    except ConfigurationError as error:
        return [Finding("settings", "broken", line) for line in error.details]
    checks: list[Callable[[], Iterator[Finding]]] = [
        lambda: _settings(environ),
        lambda: _secrets(ours),
        lambda: store.database(ours),
        lambda: store.disk(ours),
        lambda: around.cache(ours),
        lambda: around.clock(ours),
        lambda: around.network(ours),
        lambda: around.mail(ours),
        lambda: around.sms(ours),
        lambda: _inventory(ours, environ),
        lambda: _browser_files(),
        lambda: around.server(ours),
    ]
    return [finding for check in checks for finding in check()]


def _settings(environ: Mapping[str, str]) -> Iterator[Finding]:
    lines = settings_module.near_misses(environ)
    given = sum(name in environ or f"{name}_FILE" in environ for name in settings_module.NAMES)
    yield Finding("settings", "ok", f"{given} given, the others as they come")
    for line in lines:
        yield Finding("settings", "warning", line)


def _secrets(ours: Settings) -> Iterator[Finding]:
    for name in ("secret_key", "jwt_secret"):
        place = ours.instance_dir / name
        used = place.is_file() and place.read_bytes().strip() == getattr(ours, name).encode()
        if used and place.stat().st_mode & 0o077:
            text = f"{name.upper()}: others of this machine can read it: chmod 600 {place}"
            yield Finding("secrets", "warning", text)
        else:
            yield Finding("secrets", "ok", f"{name.upper()}: {place if used else 'given'}")


def _inventory(ours: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    if ours.inventory is None:
        yield Finding("inventory", "off", "no INVENTORY: this machine is watched")
        return
    try:
        found = read_inventory(ours.inventory, environ)
    except ConfigurationError as error:
        more = f" (and {len(error.details) - 1} more)" if len(error.details) > 1 else ""
        first = f": {error.details[0]}{more}" if error.details else ""
        yield Finding("inventory", "broken", f"{error.message}{first}")
        return
    text = f"{ours.inventory}: {len(found.vps)} servers, {len(found.tenants)} tenants"
    yield Finding("inventory", "ok", text)


def _browser_files() -> Iterator[Finding]:
    try:
        vendor.check()
    except ConfigurationError as error:
        yield Finding("browser files", "broken", error.message)
    else:
        yield Finding("browser files", "ok", "all are installed")
