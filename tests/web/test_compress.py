"""What browsers load travels compressed, and is found again unchanged; the API stays as it is."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from flask import Flask, Response, jsonify
from flask.testing import FlaskClient

from services.web import compress

SHEET = "body { margin: 0 }\n" * 400
LONG = "<p>The same sentence again.</p>\n" * 200
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    assets = tmp_path / "assets"
    assets.mkdir()
    (assets / "app.css").write_text(SHEET, encoding="utf-8")
    (assets / "icon.png").write_bytes(b"\x89PNG" + bytes(4000))
    server = Flask("files", static_folder=str(assets), static_url_path="/assets")
    compress.install(server)
    server.add_url_rule("/health", "page", lambda: LONG)
    server.add_url_rule("/short", "short", lambda: "<p>short</p>")
    server.add_url_rule("/gone", "gone", lambda: Response(LONG, 404, mimetype="text/html"))

    @server.post("/_dash-update-component")
    def callback() -> Response:
        return jsonify({"response": [LONG]})

    @server.get("/api/admin/health/overview")
    def body() -> Response:
        return jsonify({"text": LONG})

    return server.test_client()


def test_a_file_is_compressed_for_those_who_take_it(client: FlaskClient) -> None:
    for _ in range(2):  # the second time from what was kept
        answer = client.get("/assets/app.css", headers=GZIP, buffered=True)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.data).decode() == SHEET
        assert int(answer.headers["Content-Length"]) == len(answer.data) < len(SHEET) / 10
        assert "Accept-Encoding" in answer.headers["Vary"]


def test_who_takes_nothing_gets_it_as_it_is(client: FlaskClient) -> None:
    client.get("/assets/app.css", headers=GZIP, buffered=True)
    answer = client.get("/assets/app.css", headers={"Accept-Encoding": "identity"}, buffered=True)
    assert "Content-Encoding" not in answer.headers
    assert answer.get_data(as_text=True) == SHEET
    assert "Accept-Encoding" in answer.headers["Vary"], "a cache between us keeps them apart"


@pytest.mark.parametrize("accepted", ["br", "zstd", "gzip, deflate, br, zstd"])
def test_each_way_of_compressing_is_offered(client: FlaskClient, accepted: str) -> None:
    answer = client.get("/assets/app.css", headers={"Accept-Encoding": accepted}, buffered=True)
    assert answer.headers["Content-Encoding"] in accepted
    assert len(answer.data) < len(SHEET) / 10


@pytest.mark.parametrize("headers", [GZIP, {"Accept-Encoding": "identity"}])
def test_what_a_browser_has_is_not_sent_again(client: FlaskClient, headers: dict[str, str]) -> None:
    first = client.get("/assets/app.css", headers=headers, buffered=True)
    asked = {**headers, "If-None-Match": first.headers["ETag"]}
    again = client.get("/assets/app.css", headers=asked, buffered=True)
    assert again.status_code == 304
    assert again.data == b""
    assert "Content-Encoding" not in again.headers
    assert again.headers["ETag"] == first.headers["ETag"]
    changed = client.get(
        "/assets/app.css", headers={**headers, "If-None-Match": '"another"'}, buffered=True
    )
    assert changed.status_code == 200


def test_pages_and_the_answers_of_callbacks_are_compressed(client: FlaskClient) -> None:
    page = client.get("/health", headers=GZIP, buffered=True)
    assert gzip.decompress(page.data).decode() == LONG
    answer = client.post("/_dash-update-component", headers=GZIP)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert LONG[:20] in gzip.decompress(answer.data).decode()


@pytest.mark.parametrize("path", ["/api/admin/health/overview", "/assets/icon.png", "/short"])
def test_the_api_and_what_would_gain_nothing_stay(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers=GZIP, buffered=True)
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers


def test_an_error_is_sent_as_it_is(client: FlaskClient) -> None:
    answer = client.get("/gone", headers=GZIP, buffered=True)
    assert (answer.status_code, answer.get_data(as_text=True)) == (404, LONG)
