"""Schemathesis over the OpenAPI document of a site with a past: each request is counted, and what
is not as the document says is collected."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.support import site
from tests.support.lived import OPS, Lived

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance, unsupported_method, allow_header_conformance, ignored_auth,
    negative_data_rejection,
]  # fmt: skip
#: What every error holds, and what its code looks like.
SHAPE = {"success", "error", "errorCode", "requestId", "details"}
CODE = re.compile(r"[A-Z]+(_[A-Z]+)*")
REPORT = "/api/agent/v1/report"
#: Bodies whose schema says no more than that they are objects.
FREE: dict[str, list[dict[str, Any]]] = {
    "addVPS": [{"id": "new-1", "services": [{"name": "api", "type": "web"}]}, {"id": "own-1"}],
    "changeVPS": [{"name": "New"}],
    "addTenant": [{"id": "new", "organizationName": "New"}, {"id": "acme"}],
    "changeTenant": [{"organizationName": "Newer"}],
    "reportObservations": [{"stream": "s", "sentAt": 1.7e9, "observations": []}],
}


class Conformity:
    """The intake of ``place`` must run. ``wrong`` says what was found, each kind of trouble of an
    operation once; ``requests`` and ``statuses`` how much was asked, and what was answered.
    ``part`` (n, of) asks only each ``of``-th operation, from the ``n``-th on."""

    def __init__(self, place: Lived, part: tuple[int, int] = (0, 1)) -> None:
        self._part = part
        self.requests = 0
        self.statuses: Counter[int] = Counter()
        self.answered: dict[str, set[int]] = {}
        self.wrong: dict[str, str] = {}
        self._parts = {**place.parts, "vpsId": [*place.parts["vpsId"], "new-1"]}
        self._parts["tenantId"] = [*place.parts["tenantId"], "new"]
        place.services.inventory.add_vps({"id": "new-1"}, "test")
        place.services.inventory.add_tenant({"id": "new"}, "test")
        server = site.serve(place.services)
        server.wsgi_app = self._counting(server.wsgi_app)  # type: ignore[method-assign]
        token = place.services.identity.issue_token("super_admin", "script", 60)
        self._headers = {"Authorization": f"Bearer {token}"}
        agent = place.services.agent_tokens.enroll("shared", OPS)
        self._beat = place.services.heartbeat.beat
        self._agent = {"Authorization": f"Bearer {agent}"}
        self._schema = schemathesis.openapi.from_wsgi("/api/openapi.json", server)

    def _counting(self, app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        def counted(environ: Any, start: Any) -> Iterable[bytes]:
            """Reads to the end and closes, as every server does."""
            self.requests += 1
            found = app(environ, start)
            try:
                return list(found)
            finally:
                if hasattr(found, "close"):
                    found.close()

        return counted

    def operations(self) -> Iterator[Any]:
        """Every operation of the document, or of its part."""
        first, step = self._part
        for found in islice(self._schema.get_all_operations(), first, None, step):
            assert isinstance(found, Ok), found
            yield found.ok()

    def cover(self) -> None:
        """Asks what the limits of each parameter suggest, and by methods that are not there."""
        for operation in self.operations():
            for case in self._schema.iter_coverage_cases(
                operation,
                generation_modes=list(GenerationMode),
                generation_config=self._schema.config.generation,
            ):
                self.ask(case)

    def explore(self, each: int, number: int = 0) -> None:
        """Asks by each operation ``each`` questions that the document allows, and as many that it
        does not, made from the seed ``number``."""
        for operation in self.operations():
            for mode in GenerationMode:
                cases = operation.as_strategy(generation_mode=mode)
                if mode is GenerationMode.POSITIVE:
                    cases = st.builds(self._real, cases, st.randoms(use_true_random=False))
                run = settings(
                    max_examples=each,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )(seed(number)(given(cases)(self.ask)))
                with suppress(Unsatisfiable):  # nothing can be wrong where nothing is taken
                    run()

    def _real(self, case: Any, random: Any) -> Any:
        """Most questions are about what is there."""
        for values in (case.path_parameters, case.query, case.body):
            for name in values if isinstance(values, dict) else ():
                if name in self._parts and random.random() < 0.8:
                    chosen = random.choice(self._parts[name])
                    values[name] = [chosen] if isinstance(values[name], list) else chosen
        free = FREE.get(case.operation.definition.raw["operationId"])
        if free and random.random() < 0.8:
            case.body = random.choice(free)
        return case

    def ask(self, case: Any) -> None:
        """One question, whose answer is checked."""
        headers = self._agent if case.operation.path == REPORT else self._headers
        self._beat()  # what the scheduler does, which does not run here
        response = case.call(headers=headers)
        label = case.operation.label
        self.statuses[response.status_code] += 1
        self.answered.setdefault(label, set()).add(response.status_code)
        try:
            case.validate_response(response, checks=CHECKS, headers=headers)
        except FailureGroup as group:
            for failure in group.exceptions:
                self._note(case, response, f"{label}: {failure.title}", failure)
        except Failure as failure:
            self._note(case, response, f"{label}: {failure.title}", failure)
        if response.status_code >= 400 and (told := misshapen(response)):
            self._note(case, response, f"{label}: an error in another shape", told)

    def _note(self, case: Any, response: Any, kind: str, told: object) -> None:
        asked = case.as_curl_command(headers=self._headers)
        self.wrong.setdefault(
            kind, f"{told}\n{asked}\n{response.status_code} {response.text[:500]}"
        )

    def told(self) -> str:
        """The figures, and the operations that were never carried out."""
        codes = ", ".join(f"{count} x {code}" for code, count in sorted(self.statuses.items()))
        never = [label for label, found in self.answered.items() if min(found) >= 300]
        return (
            f"{self.statuses.total():,} questions to {len(self.answered)} operations: {codes}; "
            f"{self.requests:,} requests with those that tried without the right token; "
            f"never carried out: {', '.join(never) or 'none'}"
        )

    def report(self) -> str:
        """What was found, for a failed test."""
        return "\n\n".join(f"{kind}\n{told}" for kind, told in sorted(self.wrong.items()))


def misshapen(response: Any) -> str:
    """What is wrong with the shape of an error; empty when nothing is. HEAD has no body."""
    if response.request.method == "HEAD":
        return ""
    try:
        body = response.json()
    except ValueError:
        return "it is not JSON"
    if not isinstance(body, dict) or not body.keys() >= SHAPE:
        return f"it lacks {sorted(SHAPE - set(body))}"
    if body["success"] is not False or not CODE.fullmatch(body["errorCode"]):
        return "success or errorCode is not as it should be"
    return ""
