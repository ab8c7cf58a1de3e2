"""What a process answers while another one leads: that it lives, and why it does nothing yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify

from services.errors import Unavailable
from services.web import errors
from services.web.prefix import Below

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Anybody may ask: who leads, and where, is told to the operator alone.
REASON = "another Healthdeck leads on this database; this one stands by"
#: Seconds after which asking again may find a leader.
RETRY_AFTER = 5
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Front:
    """The WSGI application of a process: a standby's answers until ``app`` is there."""

    def __init__(self, prefix: str = "") -> None:
        self.app: Flask | None = None
        self._prefix = prefix
        self._standby: WSGIApplication | None = None

    def stand_by(self) -> None:
        """Answers as a standby from now on."""
        self._standby = Below(answers().wsgi_app, self._prefix)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        app = self.app or self._standby
        if app is None:
            raise RuntimeError("asked before there was anything to answer")
        return app(environ, start_response)


def answers() -> Flask:
    """The application of a standby: alive, not ready, and everything else is the leader's."""
    app = Flask(__name__, static_folder=None)
    errors.install(app)

    @app.get("/healthz")
    @app.get("/health/live")
    def alive() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    @app.get("/health/ready")
    def ready() -> Response:
        checks = {"leader": {"status": "failed", "reason": REASON}}
        return _unavailable(status="unavailable", checks=checks)

    @app.route("/", defaults={"path": ""}, methods=METHODS)
    @app.route("/<path:path>", methods=METHODS)
    def anything_else(path: str) -> Response:
        return _unavailable()

    return app


def _unavailable(**more: Any) -> Response:
    told = Unavailable("This Healthdeck stands by; ask the one that leads.", [f"leader: {REASON}"])
    response = errors.dress(jsonify({**more, **errors.body(told)}), told)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    response.headers["Cache-Control"] = "no-store"
    return response
