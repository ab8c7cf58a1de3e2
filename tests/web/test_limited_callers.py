"""Callers that are limited to a tenant or to servers: no answer of any GET operation of the OpenAPI
document says a word of what is not theirs, and asking for it is like asking for what is not
there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.container import Services
from services.identity import Principal
from services.identity.audit import Actor
from services.identity.embeds import Wish
from services.web.rest import PARTS, actions
from services.web.rest.operation import Operation
from tests.support import site
from tests.support.lived import HIDDEN, Lived, lived

HERE = {"Origin": "http://localhost"}
OPERATIONS = [one for part in PARTS for one in part.routes if one.method == "GET"]
#: What the operations without a query of their own, or with one that must be there, are asked.
NEEDED = {
    "getServiceDependencies": [{"service": "api"}, {"service": "postgres"}],
    "getHealthHistory": [{}, {"metric": "score"}, {"metric": "responseTime"}],
}
#: With what else the past of a service is asked for.
BESIDE = {"getHealthHistory": {"metric": "responseTime"}}
OWN = {
    "vpsId": ["own-1"], "tenantId": ["acme"], "service": ["api", "postgres"], "name": ["api"],
    "incidentId": ["own1"],
    "target": ["own-1", "own-1/api"], "alertId": ["own1"], "ruleId": ["own-rule"],
}  # fmt: skip


def own(place: Lived) -> dict[str, list[str]]:
    """What the callers may know of, by the part of a path that it is."""
    made = {name: place.parts[name][:1] for name in ("maintenanceId", "silenceId", "month")}
    return OWN | made


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    folder = tmp_path_factory.mktemp("lived")
    with lived(folder, site.template(folder)) as found, pytest.MonkeyPatch.context() as patch:
        patch.setattr(actions, "PATIENCE", 0.01)
        yield found


class Caller:
    """A browser or a script that asks."""

    def __init__(self, client: FlaskClient, headers: Mapping[str, str]) -> None:
        self._client = client
        self._headers = headers

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        return self._client.get(path, query_string=query, headers=self._headers, buffered=True)


def by_token(server: Flask, services: Services) -> Caller:
    headers = site.bearer(services, "super_admin", ["acme"])
    return Caller(server.test_client(), headers)


def by_key(server: Flask, services: Services) -> Caller:
    made = services.identity.keys.create("limited", "admin", Actor("test"), ["acme"])
    return Caller(server.test_client(), {"Authorization": f"Bearer {made['key']}"})


def embedded(server: Flask, services: Services, **wish: Any) -> Caller:
    maker = Principal("boss", "super_admin", None, "session", "session:x")
    token, _ = services.identity.embeds.create(Wish(5, **wish), maker, Actor("boss"))
    client = server.test_client()
    assert client.post("/auth/embed", json={"token": token}, headers=HERE).status_code == 200
    return Caller(client, HERE)


CALLERS: dict[str, Callable[[Flask, Services], Caller]] = {
    "a super_admin's token for one tenant": by_token,
    "an API key for one tenant": by_key,
    "a frame for one tenant": lambda *of: embedded(*of, tenants=["acme"]),
    "a frame for one server": lambda *of: embedded(*of, vps=["own-1"]),
    "a frame for a server that is not the tenant's": lambda *of: embedded(
        *of, tenants=["acme"], vps=["hidden-1"]
    ),
}


@pytest.fixture(scope="module")
def server(place: Lived) -> Flask:
    return site.serve(place.services)


@pytest.fixture(params=list(CALLERS))
def caller(request: pytest.FixtureRequest, server: Flask, place: Lived) -> Caller:
    return CALLERS[request.param](server, place.services)


def paths(one: Operation, values: Mapping[str, list[str]]) -> Iterator[str]:
    """The operation's path with each of the values that its parts may have."""
    names = [_camel(name) for name in one.parameters]
    for chosen in product(*(values[name] for name in names)):
        parts = iter(chosen)
        yield re.sub(r"<\w+>", lambda _: next(parts), one.path)  # noqa: B023


def queries(one: Operation, values: Mapping[str, list[str]]) -> Iterator[dict[str, str]]:
    """One query for each value of each filter."""
    if not one.query:
        return
    for name, field in one.query.model_fields.items():
        known = field.alias or _camel(name)
        for value in values.get(known, []):
            yield {known: value}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def questions(place: Lived, one: Operation) -> Iterator[tuple[str, dict[str, str]]]:
    """What a caller may ask by an operation about what is its own, or about everything."""
    values = {**place.parts, **own(place)}
    for path in paths(one, values):
        asked = [*NEEDED.get(one.id, [{}]), *queries(one, values)]
        if one.query and "format" in one.query.model_fields:
            asked += [{**query, "format": "csv"} for query in asked]
        if one.query and "status" in one.query.model_fields:
            asked += [{"status": "unhealthy"}, {"status": "active"}, {"status": "acknowledged"}]
        for query in asked:
            yield path, query


def test_no_answer_says_a_word_of_what_is_not_the_callers(caller: Caller, place: Lived) -> None:
    for one in OPERATIONS:
        for path, query in questions(place, one):
            answer = caller.get(path, query)
            assert answer.status_code != 500, f"{path} {query}: {answer.text}"
            told = answer.text.casefold() if "zip" not in answer.mimetype else ""
            for word in HIDDEN:
                assert word not in told, f"{path} {query}: {answer.text[:2000]}"


def test_what_is_the_callers_is_told(server: Flask, place: Lived) -> None:
    caller = by_key(server, place.services)
    for one in OPERATIONS:
        if one.who in ("anyone", "admin"):
            place.services.heartbeat.beat()  # nothing runs that would, and a busy machine is slow
            for path in paths(one, {**place.parts, **own(place)}):
                query = NEEDED.get(one.id, [{}])[0]
                assert caller.get(path, query).status_code == 200, path


def hidden(
    place: Lived, one: Operation
) -> Iterator[tuple[str, dict[str, str], str, dict[str, str]]]:
    """Questions about what is not the caller's, each with the same about what is not there."""
    known = {**place.parts, **own(place)}
    for name, values in place.parts.items():
        for value in set(values) - set(own(place).get(name, [])):
            if not any(word in value for word in HIDDEN) and name in OWN:
                continue
            strange = "nowhere-1/api" if "/" in value else "@nobody" if "@" in value else "nobody"
            if name in map(_camel, one.parameters):
                pairs = zip(
                    paths(one, {**known, name: [value]}),
                    paths(one, {**known, name: [strange]}),
                    strict=True,
                )
                query = NEEDED.get(one.id, [{}])[0]
                yield from ((path, query, other, query) for path, other in pairs)
            for asked in queries(one, {name: [value]}):
                beside = BESIDE.get(one.id, {})
                for path in paths(one, known):
                    yield path, {**asked, **beside}, path, {name: strange, **beside}


def test_asking_for_what_is_not_the_callers_is_asking_for_what_is_not_there(
    caller: Caller, place: Lived
) -> None:
    asked = [question for one in OPERATIONS for question in hidden(place, one)]
    assert len(asked) > 25
    for path, query, other, strange in asked:
        told, untold = caller.get(path, query), caller.get(other, strange)
        said = (path, query, told.text)
        assert told.status_code == untold.status_code, said
        assert told.status_code in (400, 403, 404), said
        assert told.get_json()["errorCode"] == untold.get_json()["errorCode"], said
