"""A site without a server process: its services, its Flask application, browsers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.container import Services
from tests.support import site


@pytest.fixture
def empty_services(tmp_path: Path, empty_file: Path) -> Iterator[Services]:
    """Services of an installation that has no user yet."""
    services = site.build(tmp_path, empty_file)
    yield services
    services.database.close()


@pytest.fixture
def services(empty_services: Services) -> Services:
    """Services of an installation with one user."""
    empty_services.identity.create_user(site.NAME, site.PASSWORD, "super_admin")
    return empty_services


@pytest.fixture
def judging(services: Services) -> Iterator[None]:
    """While the intake runs, which does what operators do with alerts."""
    services.intake.start()
    yield
    services.intake.stop()


@pytest.fixture
def server(services: Services) -> Flask:
    return site.serve(services)


@pytest.fixture
def anonymous(server: Flask) -> FlaskClient:
    return server.test_client()


@pytest.fixture
def user(server: Flask) -> FlaskClient:
    """A browser that has logged in."""
    client = server.test_client()
    assert site.post_login(client).status_code == 303
    return client
