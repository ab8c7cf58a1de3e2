"""A POST that is sent again with its Idempotency-Key."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from models.database import Database
from models.identity import GivenAnswer
from services.container import EXTENSION, Services
from services.errors import Conflict, NotFound
from services.identity.answers import KEEP_SECONDS, LOST_SECONDS, Answers, Given
from services.web.rest.operation import Body, Routes
from tests.support import callers, site

THINGS, SECRETS = "/api/admin/test/things", "/api/admin/test/secrets"


class Thing(Body):
    name: str


@pytest.fixture
def done() -> list[str]:
    """What was carried out."""
    return []


@pytest.fixture
def gate() -> threading.Event:
    """Closed, it keeps the carrying out waiting."""
    event = threading.Event()
    event.set()
    return event


@pytest.fixture
def begun() -> threading.Event:
    return threading.Event()


@pytest.fixture
def server(
    services: Services, done: list[str], gate: threading.Event, begun: threading.Event
) -> Flask:
    routes = Routes("Test")

    @routes.post(THINGS, body=Thing, status=201)
    def create_thing(body: Thing) -> dict[str, Any]:
        """Makes a thing."""
        begun.set()
        gate.wait(20)
        done.append(body.name)
        if body.name == "missing":
            raise NotFound("There is no such thing.")
        if body.name == "bug":
            raise RuntimeError("in the middle")
        return {"name": body.name, "number": len(done)}

    @routes.post(f"{THINGS}/<thing_id>/paint", status=204)
    def paint_thing(thing_id: str) -> None:
        """Paints it."""
        done.append(thing_id)

    @routes.post(SECRETS, status=201, tells_secret=True)
    def create_secret() -> dict[str, str]:
        """Tells one."""
        done.append("secret")
        return {"secret": "sesame"}

    server = callers.serve(services)
    blueprint = Blueprint("things", __name__)
    routes.add_to(blueprint)
    server.register_blueprint(blueprint)
    return server


@pytest.fixture
def script(services: Services) -> dict[str, str]:
    return {**site.bearer(services), "Idempotency-Key": "k-1"}


def test_the_same_request_is_carried_out_once(
    anonymous: FlaskClient, script: dict[str, str], done: list[str]
) -> None:
    first = anonymous.post(THINGS, json={"name": "a"}, headers=script)
    again = anonymous.post(THINGS, json={"name": "a"}, headers=script)
    assert done == ["a"]
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert again.content_type == first.content_type
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    other = anonymous.post(THINGS, json={"name": "b"}, headers=script)
    assert (other.status_code, other.get_json()["errorCode"]) == (409, "CONFLICT")
    for number in range(2):
        anonymous.post(THINGS, json={"name": "a"}, headers={**script, "Idempotency-Key": "k-2"})
        painted = anonymous.post(f"{THINGS}/x/paint", headers=script)
        assert (painted.status_code, painted.data) == (204, b"")
        assert ("Idempotency-Replayed" in painted.headers) == bool(number)
    anonymous.post(f"{THINGS}/y/paint", headers=script)
    assert done == ["a", "a", "x", "y"]


def test_without_a_key_nothing_is_remembered(
    anonymous: FlaskClient, services: Services, done: list[str]
) -> None:
    for _ in range(2):
        anonymous.post(THINGS, json={"name": "a"}, headers=site.bearer(services))
    assert done == ["a", "a"]
    with services.database.read() as session:
        assert session.scalars(select(GivenAnswer)).all() == []


def test_a_key_belongs_to_who_sent_it_and_to_what_they_may_see(
    anonymous: FlaskClient, services: Services, script: dict[str, str], done: list[str]
) -> None:
    anonymous.post(THINGS, json={"name": "a"}, headers=script)
    for role, tenants in (("admin", ["acme"]), ("admin", ["globex"]), ("super_admin", None)):
        headers = {**script, **site.bearer(services, role, tenants)}
        answer = anonymous.post(THINGS, json={"name": "a"}, headers=headers)
        assert "Idempotency-Replayed" not in answer.headers
    assert done == ["a"] * 4


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "\u00e9", "a\x7f"])
def test_a_key_that_is_none_is_refused(
    anonymous: FlaskClient, services: Services, key: str, done: list[str]
) -> None:
    headers = {**site.bearer(services), "Idempotency-Key": key}
    answer = anonymous.post(THINGS, json={"name": "a"}, headers=headers)
    assert (answer.status_code, answer.get_json()["errorCode"]) == (400, "VALIDATION_ERROR")
    assert done == []


@pytest.mark.parametrize(("name", "status"), [("missing", 404), ("bug", 500)])
def test_what_failed_may_be_tried_again(
    anonymous: FlaskClient, script: dict[str, str], name: str, status: int, done: list[str]
) -> None:
    for _ in range(2):
        answer = anonymous.post(THINGS, json={"name": name}, headers=script)
        assert answer.status_code == status
    assert done == [name, name]
    assert anonymous.post(THINGS, json={"name": "a"}, headers=script).status_code == 201


def test_a_secret_is_not_kept(
    anonymous: FlaskClient, services: Services, script: dict[str, str], done: list[str]
) -> None:
    assert anonymous.post(SECRETS, headers=script).get_json() == {"secret": "sesame"}
    again = anonymous.post(SECRETS, headers=script)
    assert again.status_code == 409
    assert "told once" in again.get_json()["error"]
    assert done == ["secret"]
    with services.database.read() as session:
        (row,) = session.scalars(select(GivenAnswer))
        assert (row.status, row.body) == (201, None)


def test_of_two_at_the_same_moment_one_is_carried_out(
    server: Flask,
    script: dict[str, str],
    done: list[str],
    gate: threading.Event,
    begun: threading.Event,
) -> None:
    gate.clear()
    found: list[int] = []

    def post() -> None:
        answer = server.test_client().post(THINGS, json={"name": "a"}, headers=script)
        found.append(answer.status_code)

    first = threading.Thread(target=post)
    first.start()
    assert begun.wait(20)
    second = server.test_client().post(THINGS, json={"name": "a"}, headers=script)
    assert second.status_code == 409
    assert "in progress" in second.get_json()["error"]
    gate.set()
    first.join(20)
    assert (found, done) == ([201], ["a"])


def test_it_holds_over_a_restart(
    server: Flask, services: Services, script: dict[str, str], done: list[str]
) -> None:
    first = server.test_client().post(THINGS, json={"name": "a"}, headers=script)
    other = Database(services.settings.database_url)
    services.identity.answers = Answers(other)
    server.extensions[EXTENSION] = replace(services, database=other)
    again = server.test_client().post(THINGS, json={"name": "a"}, headers=script)
    assert (again.get_json(), done) == (first.get_json(), ["a"])
    other.close()


def test_answers_are_kept_for_a_day(database: Database) -> None:
    class Clock:
        now = time.time()

        def __call__(self) -> float:
            return self.now

    clock = Clock()
    answers = Answers(database, clock)
    given = Given(200, "application/json", "{}")
    assert answers.claim("a" * 64, "b" * 64) is None
    answers.keep("a" * 64, given)
    clock.now += KEEP_SECONDS - 1
    answers.forget_expired()
    assert answers.claim("a" * 64, "b" * 64) == given
    with pytest.raises(Conflict, match="another body"):
        answers.claim("a" * 64, "c" * 64)
    clock.now += 1
    assert answers.claim("a" * 64, "c" * 64) is None
    clock.now += LOST_SECONDS + 1  # whoever carried it out is gone
    with pytest.raises(Conflict, match="nobody knows"):
        answers.claim("a" * 64, "c" * 64)
    clock.now += KEEP_SECONDS
    answers.forget_expired()
    with database.read() as session:
        assert session.scalars(select(GivenAnswer)).all() == []


def test_of_many_that_claim_one_gets_it(database: Database) -> None:
    together, found = threading.Barrier(4), list[str]()

    def claim() -> None:
        together.wait(10)
        try:
            found.append("first" if Answers(database).claim("a" * 64, "b" * 64) is None else "?")
        except Conflict:
            found.append("told")

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(found) == ["first", "told", "told", "told"]
