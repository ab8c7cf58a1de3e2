"""The web parts over real services, without a server process: what Flask's test client talks to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import dash
from argon2 import PasswordHasher
from dash import _get_app
from dash._callback import GLOBAL_CALLBACK_LIST, GLOBAL_CALLBACK_MAP, GLOBAL_INLINE_SCRIPTS
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services import bootstrap
from services.container import EXTENSION, Services
from services.identity import Identity
from services.settings import load
from services.web import cors, embedding, errors, guard, headers, limits, login, rest
from services.web.rest.operation import CHECK_ANSWERS
from tests.support.stores import template as template

NAME, PASSWORD = "ops", "correct horse battery"
PORTAL = "https://portal.example"
HOME = Path(__file__).resolve().parents[2]
#: Real argon2id, as cheap as it can be.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
FLEET = """
vps:
  - {id: vps-1, name: Netherlands 1, region: nl-west, source: {type: local}, tenants: [acme]}
  - {id: vps-2, name: Netherlands 2, region: nl-east, tenants: [globex]}
tenants:
  - {id: acme, organizationName: ACME Corp, services: []}
  - {id: globex, organizationName: Globex, services: []}
"""


def build(folder: Path, empty: Path, **settings: Any) -> Services:
    """Services over a copy of an empty database; nothing runs. Close the database afterwards."""
    shutil.copy(empty, folder / "test.db")
    inventory = folder / "inventory.yaml"
    inventory.write_text(FLEET, encoding="utf-8")
    given = {
        "database_url": f"sqlite:///{folder}/test.db",
        "secret_key": "s" * 40,
        "jwt_secret": "j" * 40,
        "inventory": inventory,
        "portal_url": PORTAL,
        **settings,
    }
    services = bootstrap.build(load({}, **given), {})
    identity = Identity(services.database, services.settings, services.bus, hasher=CHEAP)
    return replace(services, identity=identity)


def serve(services: Services) -> Flask:
    """The routes of ours, with everything in front of them."""
    server = Flask("site", root_path=str(HOME), static_folder="assets", static_url_path="/assets")
    server.extensions[EXTENSION] = services
    server.config[CHECK_ANSWERS] = True
    errors.install(server)
    guard.install(server)
    headers.install(server, ["'sha256-abc='"])
    cors.install(server)
    limits.install(server)
    login.install(server)
    embedding.install(server)
    rest.install(server)
    return server


def post_login(
    client: FlaskClient, name: str = NAME, password: str = PASSWORD, **form: str
) -> TestResponse:
    """Sends the login form as a browser does."""
    return client.post(
        "/login",
        data={"name": name, "password": password, **form},
        headers={"Accept": "text/html", "Origin": "http://localhost"},
    )


def bearer(
    services: Services, role: str = "admin", tenants: list[str] | None = None
) -> dict[str, str]:
    """The header of a script that holds a token."""
    token = services.identity.issue_token(role, "script", 5, tenants)
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def lone_dash(server: Flask) -> Iterator[dash.Dash]:
    """A small Dash application. Dash keeps the newest one and all callbacks that wait for one in
    globals: those of other tests are put aside and come back."""
    held, listed, newest = dict(GLOBAL_CALLBACK_MAP), list(GLOBAL_CALLBACK_LIST), _get_app.APP
    scripts = list(GLOBAL_INLINE_SCRIPTS)
    for kept in (GLOBAL_CALLBACK_MAP, GLOBAL_CALLBACK_LIST, GLOBAL_INLINE_SCRIPTS):
        kept.clear()
    try:
        yield dash.Dash(
            "lone",
            server=server,  # type: ignore[arg-type]
            assets_folder="/nonexistent",
            assets_url_path="/own",
            suppress_callback_exceptions=True,
        )
    finally:
        GLOBAL_CALLBACK_MAP.update(held)
        GLOBAL_CALLBACK_LIST.extend(listed)
        GLOBAL_INLINE_SCRIPTS.extend(scripts)
        _get_app.APP = newest
