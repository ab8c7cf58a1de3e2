"""What the API can do. An operation is declared once: for its route, for checking what comes in,
for who may call it, and for the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Literal, TypeVar, get_origin

from flask import Blueprint, Response, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ConfigDict
from pydantic import ValidationError as ModelError
from pydantic.alias_generators import to_camel

from services.errors import ValidationError
from services.identity import Rank
from services.web import body, idempotency
from services.web.rest import ids

#: ``anyone``: no identity needed; ``agent``: an agent's own token; the others: a rank.
Who = Literal["anyone", "agent"] | Rank

#: Where the configuration of a test's server says that answers must fit their models.
CHECK_ANSWERS = "HEALTHDECK_CHECK_ANSWERS"

#: What a caller sends who asks on a condition.
_CONDITIONS = frozenset({"HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH"})
_IN_PATH = re.compile(r"<(\w+)>")
_WORDS = {"vps": "VPS", "sla": "SLA", "api": "API"}

Handler = TypeVar("Handler", bound=Callable[..., Any])


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class Query(_Model):
    """What may stand behind the question mark; a field that is a tuple may come several times."""

    model_config = ConfigDict(extra="forbid")


class Body(_Model):
    """What is sent as JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Answer(_Model):
    """What is answered. Fields may be added, so clients must not mind ones that they do not
    know."""

    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. ``run`` gets the parts of the path by name, and ``query`` and
    ``body`` when they are declared. It gives a model, what JSON can hold, or a response.

    ``errors`` are the statuses that this operation may answer beside those that all may.
    ``media`` are the types of an answer that is not JSON. ``tells_secret``: the answer holds one,
    so it is told once. ``if_match``: a caller may say which version it changes.
    """

    method: str
    path: str
    run: Callable[..., Any]
    tag: str
    who: Who
    query: type[Query] | None = None
    body: type[Body] | None = None
    free_body: bool = False
    body_optional: bool = False
    answer: type[BaseModel] | None = None
    media: tuple[str, ...] = ("application/json",)
    status: int = 200
    also: tuple[int, ...] = ()
    errors: tuple[int, ...] = ()
    tells_secret: bool = False
    if_match: bool = False

    @property
    def name(self) -> str:
        """``get_vps_health``: also the method of the Python client."""
        return self.run.__name__

    @property
    def id(self) -> str:
        """``getVPSHealth``: also the method of the TypeScript client."""
        first, *rest = self.name.split("_")
        return first + "".join(_WORDS.get(word, word.capitalize()) for word in rest)

    @property
    def parameters(self) -> list[str]:
        """The names of the parts of the path, as Python writes them."""
        return _IN_PATH.findall(self.path)

    def __call__(self, **parts: str) -> ResponseReturnValue:
        if self.who not in ("anyone", "agent"):
            g.principal.require(self.who)
        given: dict[str, Any] = {name: ids.checked(part) for name, part in parts.items()}
        if self.query:
            given["query"] = read_query(self.query)
        elif request.args and self.who != "anyone":
            raise ValidationError(f"{request.path} takes no {', '.join(sorted(request.args))}.")
        if self.body:
            sent = body.read_object(optional=self.body_optional)
            given["body"] = body.check(self.body, sent)
        elif self.free_body and self.who != "agent":
            given["body"] = body.read_object()
        work = partial(self._answer, given)
        if self.method == "POST" and self.who not in ("anyone", "agent"):
            return idempotency.once(self.id, work, tells_secret=self.tells_secret)
        return work()

    def _answer(self, given: dict[str, Any]) -> Response:
        found = self.run(**given)
        if isinstance(found, Response):
            return found
        if found is None:
            return Response(status=204)
        if isinstance(found, BaseModel):
            found = found.model_dump(mode="json", by_alias=True)
        if self.answer and current_app.config.get(CHECK_ANSWERS):
            self.answer.model_validate(found)
        response = jsonify(found)
        response.status_code = self.status
        return response if self.method != "GET" else told_apart(response)


@dataclass(frozen=True, slots=True)
class Routes:
    """The operations of one module, under one heading of the documentation."""

    tag: str
    operations: list[Operation] = field(default_factory=list)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def get(self, path: str, who: Who = "admin", **more: Any) -> Callable[[Handler], Handler]:
        return self._declare("GET", path, who, more)

    def post(self, path: str, who: Who = "admin", **more: Any) -> Callable[[Handler], Handler]:
        return self._declare("POST", path, who, more)

    def put(self, path: str, who: Who = "admin", **more: Any) -> Callable[[Handler], Handler]:
        return self._declare("PUT", path, who, more)

    def delete(self, path: str, who: Who = "admin", **more: Any) -> Callable[[Handler], Handler]:
        return self._declare("DELETE", path, who, {"status": 204, **more})

    def _declare(
        self, method: str, path: str, who: Who, more: dict[str, Any]
    ) -> Callable[[Handler], Handler]:
        def declare(run: Handler) -> Handler:
            self.operations.append(Operation(method, path, run, self.tag, who, **more))
            return run

        return declare

    def add_to(self, blueprint: Blueprint) -> None:
        """Puts the operations on the paths that they are declared for. Below /api whoever answers
        unknown paths also answers OPTIONS: Flask would name that one's methods too."""
        for one in self.operations:
            options = not one.path.startswith("/api/")
            blueprint.add_url_rule(
                one.path, one.id, one, methods=[one.method], provide_automatic_options=options
            )


def told_apart(response: Response) -> Response:
    """An answer that a caller who has it already need not be sent again (ETag, 304)."""
    if "ETag" not in response.headers:
        response.add_etag()
    if request.environ.keys() & _CONDITIONS:
        response.make_conditional(request)
    return response


def read_query(model: type[Query]) -> Any:
    """What stands behind the question mark, checked. Raises ValidationError with a line for each
    parameter that is wrong."""
    many = _several(model)
    sent: dict[str, Any] = {}
    for name, values in request.args.lists():
        if name not in many and len(values) > 1:
            raise ValidationError(f"{name} stands there {len(values)} times; once is right.")
        sent[name] = tuple(values) if name in many else values[0]
    try:
        return model.model_validate(sent)
    except ModelError as error:
        problems = body.problems(error)
        first = problems[0]
        raise ValidationError(
            f"The query is not as it should be: {first['field']}: {first['problem']}.", problems
        ) from None


@cache
def _several(model: type[Query]) -> frozenset[str]:
    """The parameters that may come several times."""
    return frozenset(
        field.alias or name
        for name, field in model.model_fields.items()
        if get_origin(field.annotation) is tuple
    )
