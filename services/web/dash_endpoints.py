"""Dash's own endpoints, behind a check of what they are sent.

Dash takes a callback's body as it comes and fails with a 500 where the body does not fit the
callback. Here it is held against what the callback declared before Dash sees it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash
from dash.exceptions import DependencyException, InvalidResourceError
from dash.fingerprint import check_fingerprint
from flask import Flask, Response, redirect
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ConfigDict

from services.errors import NotFound, ValidationError
from services.web import body, errors, vendor

ROUTER_OUTPUT = "_pages_content.children"
MANY = ("ALL", "ALLSMALLER")
ADDRESS = re.compile(r"/[^\x00-\x1f\x7f]*")
COUNTERS = frozenset({"n_clicks", "n_submit", "n_blur", "n_intervals"})
ADDRESS_PARTS = frozenset({"search", "hash", "href"})


class Dependency(BaseModel):
    """A property of a component, with its value where it is an input or a state."""

    model_config = ConfigDict(extra="ignore", strict=True)

    id: str | dict[str, str | int | float | bool]
    property: str
    value: Any = None


Group = Sequence[Dependency | list[Dependency]]


class Execution(BaseModel):
    """The body of POST /_dash-update-component."""

    model_config = ConfigDict(extra="ignore", strict=True)

    output: str
    outputs: Dependency | list[Dependency | list[Dependency]] | None = None
    inputs: list[Dependency | list[Dependency]]
    state: list[Dependency | list[Dependency]] = []
    changedPropIds: list[str] = []  # noqa: N815 - Dash's name


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a callback declared: an id (one with wildcards as Dash writes it to JSON, ``["ALL"]``)
    and a property."""

    id: str | Mapping[str, Any]
    name: str

    @classmethod
    def of(cls, id_: str, name: str) -> Pattern:
        """From an id as Dash keeps it: text, also where it stands for a dict."""
        return cls(json.loads(id_) if id_.startswith("{") else id_, name)

    @property
    def many(self) -> bool:
        """Whether it stands for a list of components."""
        return isinstance(self.id, Mapping) and any(
            isinstance(value, list) and value[0] in MANY for value in self.id.values()
        )

    def fits(self, id_: object, name: str) -> bool:
        """Whether this may be the component and property meant. A property that several
        callbacks write carries a mark after ``@``."""
        if name.partition("@")[0] != self.name:
            return False
        if isinstance(self.id, str) or not isinstance(id_, dict):
            return self.id == id_
        return self.id.keys() == id_.keys() and all(
            isinstance(wanted, list) or wanted == id_[key] for key, wanted in self.id.items()
        )


def install(server: Flask, dash_app: dash.Dash) -> None:
    """Puts the checks in front of Dash's views. Call it once Dash has added them."""
    prefix = dash_app.config.routes_pathname_prefix
    below = dash_app.config.requests_pathname_prefix.rstrip("/")
    callback = f"{prefix}_dash-update-component"
    files = f"{prefix}_dash-component-suites/<string:package_name>/<path:fingerprinted_path>"
    dispatch, serve = server.view_functions[callback], server.view_functions[files]

    def checked_callback() -> ResponseReturnValue:
        check(body.check(Execution, body.read_object()), dash_app.callback_map, below)
        answer: ResponseReturnValue = server.ensure_sync(dispatch)()
        return answer

    def checked_file(package_name: str, fingerprinted_path: str) -> ResponseReturnValue:
        if package_name == "plotly":  # Dash's own is three times as large as what we draw
            return redirect(below + vendor.url("plotly.min.js"))
        path, _ = check_fingerprint(fingerprinted_path)  # type: ignore[no-untyped-call]
        if path not in dash_app.registered_paths.get(package_name, ()):
            raise _no_such_file()
        try:
            answer: ResponseReturnValue = server.ensure_sync(serve)(
                package_name=package_name, fingerprinted_path=fingerprinted_path
            )
        except OSError:
            raise _no_such_file() from None
        return answer

    server.view_functions[callback] = checked_callback
    server.view_functions[files] = checked_file
    # Dash's answers to these are HTML that repeats the request and lists every file.
    for error in (DependencyException, InvalidResourceError):
        server.register_error_handler(error, _answer_no_file)


def check(sent: Execution, callbacks: Mapping[str, Mapping[str, Any]], below: str = "") -> None:
    """Raises ValidationError where the body does not fit the callback that it names. Pages lie
    ``below`` a path of the host."""
    known = callbacks.get(sent.output)
    if known is None or "callback" not in known:
        raise ValidationError("The output names no callback of this application.")
    inputs = [Pattern.of(d["id"], d["property"]) for d in known["inputs"]]
    states = [Pattern.of(d["id"], d["property"]) for d in known["state"]]
    _check_group("inputs", inputs, sent.inputs)
    _check_group("state", states, sent.state)
    outputs, sent_outputs = _check_outputs(known, sent.outputs)
    _check_together((*inputs, *states, *outputs), (*sent.inputs, *sent.state, *sent_outputs))
    for given in (*_flat(sent.inputs), *_flat(sent.state)):
        _check_value(given)
    if ROUTER_OUTPUT in sent.output and sent.inputs:
        _check_address(sent.inputs, below)
    for text in sent.changedPropIds:
        _check_changed(text, inputs)


def _check_group(name: str, wanted: Sequence[Pattern], given: Group) -> None:
    if len(wanted) != len(given):
        raise ValidationError(f"{name} must have {len(wanted)} entries, not {len(given)}.")
    for index, (pattern, entry) in enumerate(zip(wanted, given, strict=True)):
        if pattern.many != isinstance(entry, list):
            kind = "a list of components" if pattern.many else "one component"
            raise ValidationError(f"{name}[{index}] must be {kind}.")
        for one in entry if isinstance(entry, list) else [entry]:
            if not pattern.fits(one.id, one.property):
                raise ValidationError(f"{name}[{index}] is not what the callback declared.")


def _check_outputs(
    known: Mapping[str, Any], given: Dependency | list[Dependency | list[Dependency]] | None
) -> tuple[Sequence[Pattern], Group]:
    if known["no_output"]:
        return (), ()
    declared = known["output"]
    several = isinstance(declared, list | tuple)
    if given is None or (several and not isinstance(given, list)):
        raise ValidationError("outputs must be what the callback declared.")
    patterns = [
        Pattern.of(output.component_id_str(), output.component_property)
        for output in (declared if several else [declared])
    ]
    # Of one output, alone or a list of components, Dash sends no list around it.
    entries: Any = given if several else [given]
    _check_group("outputs", patterns, entries)
    return patterns, entries


def _check_together(patterns: Sequence[Pattern], given: Group) -> None:
    """Wildcards mean the same components wherever they stand: a callback answers for as many
    components as it was told of."""
    lists: dict[str, Sequence[object]] = {}
    matched: dict[str, object] = {}
    for pattern, entry in zip(patterns, given, strict=True):
        if isinstance(pattern.id, str):
            continue
        ids = [one.id for one in (entry if isinstance(entry, list) else [entry])]
        if lists.setdefault(json.dumps(pattern.id, sort_keys=True), ids) != ids:
            raise ValidationError("The same wildcard stands for different components.")
        for key in (key for key, value in pattern.id.items() if value == ["MATCH"]):
            for id_ in ids:
                if isinstance(id_, dict) and matched.setdefault(key, id_[key]) != id_[key]:
                    raise ValidationError("MATCH stands for different components.")


def _check_value(given: Dependency) -> None:
    """What the browser's own components can send; a callback relies on that."""
    name, value = given.property, given.value
    if value is None:
        return
    if name in COUNTERS:
        right = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    elif name == "pathname":
        right = isinstance(value, str) and ADDRESS.fullmatch(value) is not None
    elif name in ADDRESS_PARTS:
        right = isinstance(value, str)
    else:
        return
    if not right:
        raise ValidationError(f"The value of {name} is of a wrong kind.")


def _check_address(inputs: Group, below: str) -> None:
    """Dash's page router needs a path of ours; only a browser that has not started has none."""
    address = inputs[0]
    if isinstance(address, list) or address.value is None:
        raise ValidationError("The value of pathname is missing.")
    if not f"{address.value}/".startswith(f"{below}/"):
        raise ValidationError(f"The pages of Healthdeck are below {below}.")


def _check_changed(text: str, inputs: Sequence[Pattern]) -> None:
    component, _, name = text.rpartition(".")
    # A callback reads which component it was out of this text.
    id_ = body.parse(component) if component.startswith("{") else component
    if not any(pattern.fits(id_, name) for pattern in inputs):
        raise ValidationError("changedPropIds names what is no input of the callback.")


def _flat(group: Group) -> list[Dependency]:
    return [one for entry in group for one in (entry if isinstance(entry, list) else [entry])]


def _no_such_file() -> NotFound:
    return NotFound("There is no such file.")


def _answer_no_file(_error: Exception) -> Response:
    return errors.answer(_no_such_file())
