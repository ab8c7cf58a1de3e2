"""Logging: structlog and the standard library's loggers through one renderer.

Code logs with ``structlog.get_logger(__name__)``; what belongs to a request is bound with
``structlog.contextvars.bind_contextvars(request_id=...)`` and stands on each of its lines.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Collection, MutableMapping
from typing import Any, TextIO

import structlog

#: Loggers that bring handlers of their own, or say more than an operator wants to read.
_QUIET = ("apscheduler", "alembic", "werkzeug", "aiohttp.access", "socketio", "engineio")
_ALSO_OURS = ("gunicorn.error", "gunicorn.access", "py.warnings")

_NAMES = r"(?:password|passwd|secret|token|cookie|authorization|api[_-]?key|credential|jwt)"
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
_SECRET_TEXT = (
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@'\"]*@"), r"\1***@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 ***"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "***"),
    (re.compile(r"\b(whsec_|hd_)[\w+/=-]{8,}"), r"\1***"),
    (re.compile(rf"(?i)({_NAMES}[\w-]*['\"]?\s*[:=]\s*['\"]?)[^\s'\",;&}}]+"), r"\1***"),
)

Event = MutableMapping[str, Any]


def configure(
    level: str, fmt: str, stream: TextIO | None = None, secrets: Collection[str] = ()
) -> None:
    """Sends every log line of this process to ``stream`` (stderr), from ``level`` on.

    ``fmt``: ``console`` for people (coloured on a terminal), ``json`` for one object a line.
    ``secrets`` are values that no line may show, wherever they turn up. May be called again.
    """
    stream = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    render: Any = structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
    if fmt == "console":
        render = structlog.dev.ConsoleRenderer(colors=stream.isatty(), sort_keys=False)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _Mask(secrets),
                render,
            ],
        )
    )
    _route(handler, level.upper())


def _route(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for name in (*_QUIET, *_ALSO_OURS):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
        if name in _QUIET and level != "DEBUG":
            logger.setLevel(logging.WARNING)
        elif name in _QUIET:
            logger.setLevel(logging.NOTSET)


class _Mask:
    """Takes secrets out of a line: whole fields by their name, parts of texts by their look,
    and the values that are known to be secret."""

    def __init__(self, secrets: Collection[str]) -> None:
        self._known = sorted((text for text in secrets if len(text) >= 6), key=len, reverse=True)

    def __call__(self, _logger: Any, _method: str, event: Event) -> Event:
        return {name: self._value(name, value) for name, value in event.items()}

    def _value(self, name: Any, value: Any) -> Any:
        if isinstance(name, str) and _SECRET_NAME.search(name) and value is not None:
            return "***"
        if isinstance(value, dict):
            return {key: self._value(key, inner) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value("", inner) for inner in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        text = str(value)
        for known in self._known:
            text = text.replace(known, "***")
        for pattern, shown in _SECRET_TEXT:
            text = pattern.sub(shown, text)
        return text
