"""Fixtures: real servers on private ports, ended by the test that started them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from models.database import Database
from tests.support.browser import ARGUMENTS, Watch, chromium
from tests.support.product import Healthdeck
from tests.support.stores import PostgresServer, RedisServer, template
from tests.support.web import Answer, LocalServer, health

#: A page of a machine that is busy with other tests may take its time.
expect.set_options(timeout=20_000)


class Installs(Protocol):
    """Makes an installation with these settings; it does not run yet."""

    def __call__(self, inventory: str | None = None, **env: str) -> Healthdeck: ...


@pytest.fixture(scope="session")
def redis_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def redis_server(redis_of_session: RedisServer) -> RedisServer:
    """A Redis that runs, whatever the test before did to it."""
    redis_of_session.start()
    return redis_of_session


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with the current schema, to be copied."""
    return template(tmp_path_factory.mktemp("template"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database of each kind: empty, unless the test also asks for ``database``."""
    migrated = "database" in request.fixturenames
    if request.param == "sqlite":
        file = tmp_path / "test.db"
        if migrated:
            shutil.copy(request.getfixturevalue("empty_file"), file)
        yield f"sqlite:///{file}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create(migrated=migrated)
    yield url
    server.drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A new database of each kind with the current schema: a copy, since migrating takes longer
    than most tests. What migrating does has tests of its own, which begin with an empty one."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def serving() -> Iterator[Callable[[Answer], LocalServer]]:
    """Starts local HTTP servers."""
    servers: list[LocalServer] = []

    def start(answer: Answer) -> LocalServer:
        servers.append(LocalServer(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def receiver(serving: Callable[[Answer], LocalServer]) -> LocalServer:
    """A receiver of webhooks."""
    return serving(Answer(204))


@pytest.fixture
def monitored(serving: Callable[[Answer], LocalServer]) -> LocalServer:
    """A service with a health endpoint, healthy at first."""
    return serving(health())


@pytest.fixture
def healthdeck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installs]:
    """Installs Healthdeck; what still runs at the end is killed."""
    installed: list[Healthdeck] = []

    def install(inventory: str | None = None, **env: str) -> Healthdeck:
        folder = tmp_path_factory.mktemp("healthdeck")
        installed.append(Healthdeck(folder, inventory, env))
        return installed[-1]

    yield install
    for one in installed:
        one.kill()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def watch() -> Watch:
    """What the pages of this test did."""
    return Watch()


@pytest.fixture
def page(browser: Browser, watch: Watch) -> Iterator[Page]:
    """A page in a browser profile of its own; errors on its console, and requests to anything
    but this machine, fail the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    watch.attach(context)
    yield context.new_page()
    context.close()
    assert watch.unexpected() == []
    assert watch.foreign() == []


def pytest_setup_options() -> Any:
    """How dash.testing starts its browser."""
    from selenium.webdriver.chrome.options import Options

    options = Options()
    options.binary_location = chromium()
    for argument in ARGUMENTS:
        options.add_argument(argument)
    return options
