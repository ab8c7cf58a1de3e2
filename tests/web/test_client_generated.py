"""The client libraries have what the API has, no more and no less."""

from __future__ import annotations

import ast
import inspect
import json
import re

import pytest

from client.generate.__main__ import CLIENT, document, generated
from client.generate.document import Document, snake
from healthdeck_client import Healthdeck, errors
from healthdeck_client.operations import Operations
from services.web import rest

#: Methods of portal.ts that are no operation of the REST API.
BESIDE = {"connectHealthStream"}


@pytest.fixture(scope="module")
def wanted() -> Document:
    return Document(document())


def test_the_generated_files_are_those_of_this_api(wanted: Document) -> None:
    stale = [
        name
        for name, text in generated(wanted).items()
        if (CLIENT / name).read_text(encoding="utf-8") != text
    ]
    assert stale == [], "the API has changed: run `.venv/bin/python -m client.generate`"


def test_every_operation_has_a_method_in_python(wanted: Document) -> None:
    ours = {
        name
        for name, _ in inspect.getmembers(Operations, inspect.isfunction)
        if not name.startswith(("_", "iterate_")) and name != "close"
    }
    assert ours == {one.name for part in rest.PARTS for one in part.routes}
    assert ours == {method.name for method in wanted.methods}


def test_every_list_in_pages_has_an_iterator(wanted: Document) -> None:
    ours = {name for name in dir(Healthdeck) if name.startswith("iterate_")}
    paged = {m.name for m in wanted.methods if any(one.name == "cursor" for one in m.query)}
    assert ours == {f"iterate_{name.removeprefix('list_')}" for name in paged}


def test_every_operation_has_a_method_in_typescript(wanted: Document) -> None:
    found: list[str] = []
    for name in ("portal.ts", "operations.ts"):
        text = (CLIENT / name).read_text(encoding="utf-8")
        found += re.findall(r"^  (?:async )?(\w+)\([^)]*\)?.*[{(]$", text, re.MULTILINE)
    methods = [name for name in found if name != "constructor"]
    assert sorted(set(methods)) == sorted(methods), "a method stands there twice"
    assert set(methods) - BESIDE == {method.id for method in wanted.methods}


def test_python_s_methods_ask_for_the_operation_s_path(wanted: Document) -> None:
    """Read from the source: verb and path stand in it as they stand in the document."""
    tree = ast.parse(inspect.getsource(Operations))
    bodies = {node.name: ast.unparse(node) for node in ast.walk(tree)
              if isinstance(node, ast.FunctionDef)}  # fmt: skip
    for method in wanted.methods:
        path = re.sub(r"{(\w+)}", lambda part: f"{{segment({snake(part[1])})}}", method.path)
        assert f"'{method.verb}', {'f' if method.parts else ''}'{path}'" in bodies[method.name]


def test_every_code_of_the_contract_has_its_exception() -> None:
    codes = {
        "VALIDATION_ERROR": 400, "AUTHENTICATION_REQUIRED": 401, "INVALID_TOKEN": 401,
        "INSUFFICIENT_PERMISSIONS": 403, "NOT_FOUND": 404, "METHOD_NOT_ALLOWED": 405,
        "CONFLICT": 409, "PAYLOAD_TOO_LARGE": 413, "RATE_LIMIT_EXCEEDED": 429,
        "INTERNAL_ERROR": 500, "UNAVAILABLE": 503,
    }  # fmt: skip
    kinds = {
        type(errors.told(status, {"errorCode": code, "error": "no"}))
        for code, status in codes.items()
    }
    assert len(kinds) == len(codes)
    tomorrow = errors.told(409, {"errorCode": "LOCKED", "error": "no", "details": ["why"]})
    assert isinstance(tomorrow, errors.Conflict)
    assert (tomorrow.code, tomorrow.details) == ("LOCKED", ["why"])


@pytest.mark.parametrize(
    ("id_", "name"),
    [("getVPSHealth", "get_vps_health"), ("listSLAReports", "list_sla_reports"),
     ("listAPIKeys", "list_api_keys"), ("getSLA", "get_sla"), ("vpsId", "vps_id"),
     ("from", "from"), ("previewRule", "preview_rule")],
)  # fmt: skip
def test_names_are_those_of_each_language(id_: str, name: str) -> None:
    assert snake(id_) == name


def test_what_two_modules_call_by_one_name_is_told_apart() -> None:
    """pydantic then puts the modules in front."""
    one = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/a__b__E"}}}}
    described = {
        "paths": {
            "/x/{vpsId}": {
                "get": {
                    "operationId": "getX", "summary": "X", "description": "", "security": [{}],
                    "parameters": [{"name": "vpsId", "in": "path", "required": True, "schema": {}}],
                    "responses": {"200": answer},
                }
            }
        },
        "components": {"schemas": {"a__b__E": one}},
    }  # fmt: skip
    read = Document(json.loads(json.dumps(described)))
    assert list(read.schemas) == ["BE"]
    assert [(m.name, m.kind, m.keyed, m.open) for m in read.methods] == [
        ("get_x", "json", False, False)
    ]
