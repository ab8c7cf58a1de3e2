"""What Dash's own endpoints make of bodies and paths that fit nothing."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from typing import Any

import dash
import pytest
from dash import ALL, MATCH, Input, Output, State, ctx, dcc, html
from dash._pages import _parse_query_string
from dash.exceptions import PreventUpdate
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from services.web import dash_endpoints
from tests.support import site

URL = "/_dash-update-component"
Send = Callable[[Any], TestResponse]


def declare(app: dash.Dash) -> None:
    """Callbacks of every kind that Dash has. Their answers hold what they were given."""

    @app.callback(Output("out", "children"), Input("in", "value"), State("in", "n_clicks"))
    def single(value: Any, clicks: Any) -> str:
        return repr((value, clicks, ctx.triggered_id))

    @app.callback(
        [Output({"kind": "row", "i": ALL}, "children"), Output("out", "title")],
        Input({"kind": "row", "i": ALL}, "n_clicks"),
        Input("in", "n_submit"),
    )
    def several(clicks: list[Any], _submit: Any) -> Any:
        if not isinstance(ctx.triggered_id, dict | str | None):
            raise PreventUpdate
        return [str(ctx.triggered_id) for _ in clicks], "done"

    @app.callback(
        Output({"kind": "cell", "i": MATCH}, "children"),
        Input({"kind": "cell", "i": MATCH}, "n_clicks"),
        prevent_initial_call=True,
    )
    def matched(_clicks: Any) -> str:
        return str(ctx.triggered_id)

    @app.callback(
        Output("out", "lang"),
        inputs={"a": Input("in", "value"), "b": [State("in", "x"), State("in", "y")]},
    )
    def grouped(a: Any, b: list[Any]) -> str:
        return repr((a, b))

    @app.callback(Output("out", "dir"), Input("url", "pathname"), Input("url", "search"))
    def addressed(pathname: str | None, search: str | None) -> str:
        return (pathname or "") + (search or "")

    @app.callback(
        Output("out", "children", allow_duplicate=True), Input("in", "z"), prevent_initial_call=True
    )
    def second(value: Any) -> str:
        return repr(value)

    @app.callback(Input("in", "value"))
    def silent(_value: Any) -> None:
        dash.set_props("out", {"hidden": False})

    app.clientside_callback("x => x", Output("out", "hidden"), Input("in", "value"))

    @app.callback(
        Output("_pages_content", "children"),
        Output("_pages_store", "data"),
        inputs={
            "pathname_": Input("_pages_location", "pathname"),
            "search_": Input("_pages_location", "search"),
        },
    )
    def router(pathname_: str, search_: Any) -> Any:  # as Dash's own, which is global
        query = _parse_query_string(search_)
        fnmatch(app.strip_relative_path(pathname_) or "", "one/*")
        return pathname_, query


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    folder = tmp_path_factory.mktemp("dash")
    services = site.build(folder, site.template(folder))
    server = site.serve(services)
    client = server.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = site.bearer(services)["Authorization"]
    with site.lone_dash(server) as app:
        app.layout = html.Div([dcc.Location("url"), html.Div(id="out")])
        declare(app)
        dash_endpoints.install(server, app)
        assert client.get("/").status_code == 200
        server.extensions["tested"] = app
        yield client
    services.database.close()


@pytest.fixture(scope="module")
def send(client: FlaskClient) -> Send:
    return lambda body: client.post(URL, json=body)


def output_of(client: FlaskClient, part: str) -> str:
    """The full name of a callback, as a browser reads it from /_dash-dependencies."""
    listed = client.get("/_dash-dependencies").get_json()
    [name] = [c["output"] for c in listed if part in c["output"]]
    return name


SINGLE: dict[str, Any] = {
    "output": "out.children",
    "outputs": {"id": "out", "property": "children"},
    "inputs": [{"id": "in", "property": "value", "value": "hello"}],
    "state": [{"id": "in", "property": "n_clicks", "value": 3}],
    "changedPropIds": ["in.value"],
    "parsedChangedPropsIds": ["in"],
}
ROW = {"kind": "row", "i": "a"}
SEVERAL: dict[str, Any] = {
    "output": '..{"i":["ALL"],"kind":"row"}.children...out.title..',
    "outputs": [[{"id": ROW, "property": "children"}], {"id": "out", "property": "title"}],
    "inputs": [
        [{"id": ROW, "property": "n_clicks", "value": 1}],
        {"id": "in", "property": "n_submit"},
    ],
    "changedPropIds": ['{"i":"a","kind":"row"}.n_clicks'],
}
MATCHED: dict[str, Any] = {
    "output": '{"i":["MATCH"],"kind":"cell"}.children',
    "outputs": {"id": {"kind": "cell", "i": 7}, "property": "children"},
    "inputs": [{"id": {"kind": "cell", "i": 7}, "property": "n_clicks", "value": 1}],
    "changedPropIds": ['{"i":7,"kind":"cell"}.n_clicks'],
}
GROUPED: dict[str, Any] = {
    "output": "out.lang",
    "outputs": {"id": "out", "property": "lang"},
    "inputs": [{"id": "in", "property": "value", "value": 1}],
    "state": [
        {"id": "in", "property": "x", "value": 2},
        {"id": "in", "property": "y", "value": 3},
    ],
    "changedPropIds": [],
}
ROUTER: dict[str, Any] = {
    "output": ".._pages_content.children..._pages_store.data..",
    "outputs": [
        {"id": "_pages_content", "property": "children"},
        {"id": "_pages_store", "property": "data"},
    ],
    "inputs": [
        {"id": "_pages_location", "property": "pathname", "value": "/one/x"},
        {"id": "_pages_location", "property": "search", "value": "?a=1&a=2"},
    ],
    "changedPropIds": ["_pages_location.pathname"],
}
GOOD = [SINGLE, SEVERAL, MATCHED, GROUPED, ROUTER]


def unshared(body: dict[str, Any]) -> dict[str, Any]:
    """A copy in which nothing is the same object twice."""
    return json.loads(json.dumps(body))


def changed(body: dict[str, Any], *path: Any, to: Any) -> dict[str, Any]:
    """A copy of a body with one place changed; Ellipsis removes it."""
    result = unshared(body)
    place: Any = result
    for step in path[:-1]:
        place = place[step]
    if to is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return result


def test_what_a_browser_sends_works(client: FlaskClient, send: Send) -> None:
    answers = [send(body) for body in GOOD]
    assert [answer.status_code for answer in answers] == [200] * len(GOOD)
    bodies = [answer.get_json()["response"] for answer in answers]
    assert bodies[0] == {"out": {"children": "('hello', 3, 'in')"}}
    assert bodies[1]['{"i":"a","kind":"row"}'] == {"children": "{'i': 'a', 'kind': 'row'}"}
    assert bodies[2] == {'{"i":7,"kind":"cell"}': {"children": "{'i': 7, 'kind': 'cell'}"}}
    assert bodies[3] == {"out": {"lang": "(1, [2, 3])"}}
    assert bodies[4]["_pages_store"] == {"data": {"a": ["1", "2"]}}


def test_a_list_of_components_may_be_empty(send: Send) -> None:
    empty = changed(changed(SEVERAL, "inputs", 0, to=[]), "outputs", 0, to=[])
    # The component that was removed is still the one that triggered.
    assert send(empty).status_code == 200


def test_outputs_that_several_callbacks_write(client: FlaskClient, send: Send) -> None:
    name = output_of(client, "out.children@")
    body = {
        "output": name,
        "outputs": {"id": "out", "property": name.removeprefix("out.")},
        "inputs": [{"id": "in", "property": "z", "value": 1}],
        "changedPropIds": ["in.z"],
    }
    assert send(body).get_json()["response"] == {"out": {"children": "1"}}


def test_a_callback_without_outputs(client: FlaskClient, send: Send) -> None:
    listed = client.get("/_dash-dependencies").get_json()
    [name] = [c["output"] for c in listed if c["no_output"]]
    body = {"output": name, "inputs": SINGLE["inputs"], "changedPropIds": ["in.value"]}
    assert send(body).get_json()["sideUpdate"] == {"out": {"hidden": False}}
    assert send({**body, "outputs": None}).status_code == 200


DEEP = '{"a":' * 9999 + ".n_clicks"
HALF = '{"i":"\\ud800","kind":"row"}.n_clicks'
WRONG: list[tuple[str, Any]] = [
    ("a list", []),
    ("text", "x"),
    ("null", None),
    ("a number", 1),
    ("empty", {}),
    ("no output", changed(SINGLE, "output", to=...)),
    ("unknown output", changed(SINGLE, "output", to="nothing.children")),
    ("output is a list", changed(SINGLE, "output", to=["out.children"])),
    ("output is null", changed(SINGLE, "output", to=None)),
    ("a clientside callback", changed(SINGLE, "output", to="out.hidden")),
    ("no outputs", changed(SINGLE, "outputs", to=...)),
    ("outputs null", changed(SINGLE, "outputs", to=None)),
    ("outputs a list", changed(SINGLE, "outputs", to=[SINGLE["outputs"]])),
    ("outputs of another", changed(SINGLE, "outputs", "id", to="in")),
    ("outputs of another property", changed(SINGLE, "outputs", "property", to="title")),
    ("outputs without id", changed(SINGLE, "outputs", "id", to=...)),
    ("outputs text", changed(SINGLE, "outputs", to="out.children")),
    ("too few outputs", changed(SEVERAL, "outputs", 1, to=...)),
    ("one output for many", changed(SEVERAL, "outputs", to={"id": "out", "property": "title"})),
    ("outputs not in a list", changed(SEVERAL, "outputs", 0, to=SEVERAL["outputs"][0][0])),
    ("output row of another kind", changed(SEVERAL, "outputs", 0, 0, "id", "kind", to="x")),
    ("output row without a key", changed(SEVERAL, "outputs", 0, 0, "id", "i", to=...)),
    ("rows out, none in", changed(SEVERAL, "inputs", 0, to=[])),
    ("rows in, none out", changed(SEVERAL, "outputs", 0, to=[])),
    ("other rows out than in", changed(SEVERAL, "outputs", 0, 0, "id", "i", to="b")),
    ("another cell out than in", changed(MATCHED, "outputs", "id", "i", to=8)),
    ("no inputs", changed(SINGLE, "inputs", to=...)),
    ("inputs null", changed(SINGLE, "inputs", to=None)),
    ("inputs an object", changed(SINGLE, "inputs", to={})),
    ("inputs empty", changed(SINGLE, "inputs", to=[])),
    ("too many inputs", changed(SINGLE, "inputs", to=SINGLE["inputs"] * 2)),
    ("an input is null", changed(SINGLE, "inputs", 0, to=None)),
    ("an input is text", changed(SINGLE, "inputs", 0, to="in.value")),
    ("an input is a list", changed(SINGLE, "inputs", 0, to=[SINGLE["inputs"][0]])),
    ("an input without id", changed(SINGLE, "inputs", 0, "id", to=...)),
    ("an input without property", changed(SINGLE, "inputs", 0, "property", to=...)),
    ("an input of another", changed(SINGLE, "inputs", 0, "id", to="out")),
    ("an input id of a number", changed(SINGLE, "inputs", 0, "id", to=1)),
    ("an input id of a dict", changed(SINGLE, "inputs", 0, "id", to=ROW)),
    ("a row not in a list", changed(SEVERAL, "inputs", 0, to=SEVERAL["inputs"][0][0])),
    ("a row in two lists", changed(SEVERAL, "inputs", 0, to=[SEVERAL["inputs"][0]])),
    ("a row with text as id", changed(SEVERAL, "inputs", 0, 0, "id", to="row")),
    ("a row with one key more", changed(SEVERAL, "inputs", 0, 0, "id", to={**ROW, "x": 1})),
    ("a row whose key is a list", changed(SEVERAL, "inputs", 0, 0, "id", "i", to=["ALL"])),
    ("a row whose key is null", changed(SEVERAL, "inputs", 0, 0, "id", "i", to=None)),
    ("no state", changed(SINGLE, "state", to=...)),
    ("state null", changed(SINGLE, "state", to=None)),
    ("state of a callback without", changed(MATCHED, "state", to=SINGLE["state"])),
    ("clicks are text", changed(SINGLE, "state", 0, "value", to="3")),
    ("clicks are true", changed(SINGLE, "state", 0, "value", to=True)),
    ("clicks beyond all", changed(SINGLE, "state", 0, "value", to=10**400)),
    ("changed is null", changed(SINGLE, "changedPropIds", to=None)),
    ("changed is text", changed(SINGLE, "changedPropIds", to="in.value")),
    ("changed holds a number", changed(SINGLE, "changedPropIds", to=[1])),
    ("changed holds a list", changed(SINGLE, "changedPropIds", to=[["in.value"]])),
    ("changed names no input", changed(SINGLE, "changedPropIds", to=["out.children"])),
    ("changed has no dot", changed(SINGLE, "changedPropIds", to=["in"])),
    ("changed has no JSON id", changed(SEVERAL, "changedPropIds", to=["{.n_clicks"])),
    ("changed has a deep id", changed(SEVERAL, "changedPropIds", to=[DEEP])),
    ("changed has half a letter", changed(SEVERAL, "changedPropIds", to=[HALF])),
    ("a path of a number", changed(ROUTER, "inputs", 0, "value", to=5)),
    ("no path", changed(ROUTER, "inputs", 0, "value", to=None)),
    ("a path without slash", changed(ROUTER, "inputs", 0, "value", to="one/x")),
    ("a path of two lines", changed(ROUTER, "inputs", 0, "value", to="/one/\nx")),
    ("a query of a number", changed(ROUTER, "inputs", 1, "value", to=5)),
    ("NUL in a value", changed(SINGLE, "inputs", 0, "value", to="\0")),
    ("half a letter in a value", changed(SINGLE, "inputs", 0, "value", to="\ud800")),
]  # fmt: skip


def assert_refused(answer: TestResponse, what: object) -> None:
    assert answer.status_code == 400, what
    body = answer.get_json()
    assert set(body) == {"success", "error", "errorCode", "requestId", "details"}, what
    assert body["errorCode"] == "VALIDATION_ERROR"


def test_what_does_not_fit_is_400(send: Send) -> None:
    for what, body in WRONG:
        assert_refused(send(body), what)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "application/json"), (b"{", "application/json"), (b"\xff\xfe", "application/json"),
        (b"[" * 200_000, "application/json"), (b'{"a":' * 100_000, "application/json"),
        (b'{"output": ' + b"9" * 5000 + b"}", "application/json"),
        (b"\xef\xbb\xbf{}", "application/json"), ("{}".encode("utf-16"), "application/json"),
        (json.dumps(SINGLE).encode(), "text/plain"), (json.dumps(SINGLE).encode(), ""),
        (b"output=x", "application/x-www-form-urlencoded"),
        (json.dumps(SINGLE).replace("3", "NaN").encode(), "application/json"),
        (json.dumps(SINGLE).replace("3", "1e999").encode(), "application/json"),
    ],
)  # fmt: skip
def test_what_is_no_json_is_400(client: FlaskClient, data: bytes, kind: str) -> None:
    assert_refused(client.post(URL, data=data, content_type=kind), data[:40])


def test_deep_nesting_in_a_value_is_400(send: Send) -> None:
    value: Any = 1
    for _ in range(100):
        value = [value]
    assert_refused(send(changed(SINGLE, "inputs", 0, "value", to=value)), "deep")


def test_too_much_is_413(client: FlaskClient) -> None:
    body = changed(SINGLE, "inputs", 0, "value", to="x" * 1024 * 1024)
    answer = client.post(URL, json=body)
    assert (answer.status_code, answer.get_json()["errorCode"]) == (413, "PAYLOAD_TOO_LARGE")


def test_what_is_wrong_is_named_and_not_repeated(send: Send) -> None:
    answer = send(changed(SINGLE, "inputs", 0, to={"id": ["<b>"]}))
    assert any(line["field"].startswith("inputs.0") for line in answer.get_json()["details"])
    assert "<b>" not in answer.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip
ODD = JSON | st.sampled_from(
    ["in", "out", "value", "children", ROW, {"i": ["ALL"]}, SINGLE["inputs"], "{", '{"i":1}', "."]
)


@st.composite
def mutilated(draw: st.DrawFn) -> Any:
    """A body that a browser could send, with something changed, removed or added somewhere."""
    body = unshared(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = body
        while True:
            steps = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not steps:
                break
            step = draw(st.sampled_from(steps))
            inner = place[step]
            if isinstance(inner, dict | list) and inner and draw(st.booleans()):
                place = inner
                continue
            how = draw(st.sampled_from(["change", "remove", "repeat"]))
            if how == "remove":
                del place[step]
            elif how == "repeat" and isinstance(place, list):
                place.append(copy.deepcopy(inner))
            else:
                place[step] = copy.deepcopy(draw(ODD))
            break
    return body


@given(body=mutilated() | JSON)
@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_no_body_breaks_it(client: FlaskClient, body: Any) -> None:
    data = json.dumps(body).encode()
    answer = client.post(URL, data=data, content_type="application/json")
    assert answer.status_code in (200, 204, 400), body
    if answer.status_code == 400:
        assert_refused(answer, body)


def test_no_bytes_break_it(client: FlaskClient) -> None:
    good = json.dumps(SEVERAL).encode()
    for cut in range(0, len(good), 5):
        assert_refused(client.post(URL, data=good[:cut], content_type="application/json"), cut)


@pytest.mark.parametrize(
    "path",
    ["dash/nothing.js", "nothing/x.js", "dash/../dash.py", "dash/%2e%2e/dash.py", "os/path",
     "dash/x.v1m1.js", "dash/deps/polyfill@7.v4_4_1m1.12.1.min.js.map", "dash/%00", "dash/a%0ab",
     "dash/.", "dash/..v1m1.", "%3Cscript%3E/x.js", "sys/modules", "dash/dash-renderer/build/"],
)  # fmt: skip
def test_odd_paths_of_files_are_not_found(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/_dash-component-suites/{path}")
    assert (answer.status_code, answer.mimetype) == (404, "application/json")
    assert "<script>" not in answer.text
    assert "polyfill" not in answer.text


def test_dash_own_files_are_served_and_kept(client: FlaskClient) -> None:
    page = client.get("/").text
    found = [line.split('"')[1] for line in page.splitlines() if "_dash-component-suites" in line]
    assert found
    for url in found[:3]:
        answer = client.get(url)
        assert answer.status_code == 200
        assert "max-age=31536000" in answer.headers["Cache-Control"]


def test_a_registered_file_that_is_gone_is_not_found(client: FlaskClient) -> None:
    app = client.application.extensions["tested"]
    app.registered_paths["dash"].add("gone.js")
    assert client.get("/_dash-component-suites/dash/gone.js").status_code == 404
