"""Log lines: one shape for ours and the libraries', with the request's id and without secrets."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from services.logs import configure


@pytest.fixture
def logged():
    """Configures logging into a buffer and gives a reader of its lines; puts all back after."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()

    def start(level="info", fmt="json", **more):
        configure(level, fmt, stream, **more)
        return lambda: stream.getvalue().splitlines()

    yield start
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root.handlers, root.level = handlers, level


def test_ours_and_a_librarys_line_have_one_shape(logged):
    lines = logged()
    structlog.contextvars.bind_contextvars(request_id="r-1")
    structlog.get_logger("services.x").info("stored", rows=3)
    logging.getLogger("gunicorn.error").warning("Worker %s exiting", 7)
    ours, theirs = map(json.loads, lines())
    assert (ours["event"], ours["rows"], ours["logger"]) == ("stored", 3, "services.x")
    assert (theirs["event"], theirs["level"]) == ("Worker 7 exiting", "warning")
    assert ours["request_id"] == theirs["request_id"] == "r-1"
    assert ours["timestamp"].endswith("Z")


def test_a_library_with_a_handler_of_its_own_writes_once(logged):
    logging.getLogger("gunicorn.error").addHandler(logging.StreamHandler(io.StringIO()))
    logging.getLogger("gunicorn.error").propagate = False
    lines = logged()
    logging.getLogger("gunicorn.error").info("Listening")
    assert len(lines()) == 1


@pytest.mark.parametrize(
    ("level", "shown"),
    [("info", ["ours", "warned"]), ("debug", ["fine", "ours", "routine", "warned"])],
)
def test_the_level_and_the_routine_of_libraries(logged, level, shown):
    lines = logged(level)
    structlog.get_logger("services.x").debug("fine")
    structlog.get_logger("services.x").info("ours")
    logging.getLogger("apscheduler.executors.default").info("routine")
    logging.getLogger("apscheduler.executors.default").warning("warned")
    assert [json.loads(line)["event"] for line in lines()] == shown


def test_an_exception_is_one_json_line_with_its_trace(logged):
    lines = logged()
    try:
        raise RuntimeError("postgresql://u:hidden@h/db")
    except RuntimeError:
        structlog.get_logger("services.x").exception("failed")
    (line,) = lines()
    assert "postgresql://***@h/db" in json.loads(line)["exception"]
    assert "hidden" not in line


@pytest.mark.parametrize("fmt", ["json", "console"])
@pytest.mark.parametrize(
    "fields",
    [
        {"password": "hidden"},
        {"Authorization": "hidden"},
        {"headers": {"Cookie": "hidden", "X-Api-Key": "hidden"}},
        {"items": [{"webhook_secret": "hidden"}]},
        {"url": "redis://:hidden@cache:6379/0"},
        {"header": "Bearer hidden-hidden"},
        {"path": "/setup?token=hidden&x=1"},
        {"text": "signed with whsec_hiddenhidden"},
        {"text": "key hd_hidden_hidden"},
        {"text": "eyJhidden.hidden.hidden"},
        {"text": "the hidden-value itself"},
        {"error": ValueError("redis://u:hidden@h")},
    ],
)
def test_secrets_never_reach_a_line(logged, fmt, fields):
    lines = logged(fmt=fmt, secrets=["hidden-value"])
    structlog.get_logger("services.x").info("event", kept="kept", **fields)
    logging.getLogger("werkzeug").warning("it was %s", fields)
    text = "\n".join(lines())
    assert "hidden" not in text
    assert "kept" in text


def test_a_console_that_is_no_terminal_gets_no_colours(logged):
    lines = logged(fmt="console")
    structlog.get_logger("services.x").error("bad")
    assert "\x1b" not in lines()[0]
    assert "bad" in lines()[0]
