"""The stream: who may connect, what can be subscribed to, and the end of a socket."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from engineio.exceptions import EngineIOError
from flask import Flask
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import SocketIO

from services.errors import HealthdeckError, InsufficientPermissions
from services.identity import ROLES, Principal
from services.times import iso
from services.web.stream.callers import Credential, caller, from_own_page
from services.web.stream.limits import (
    EXTENSION,
    MAX_BEHIND,
    MAX_EACH,
    MAX_ROOMS,
    MAX_SOCKETS,
    SPARE,
)
from services.web.stream.listeners import Listener, Listeners, Room
from services.web.stream.packets import Book, Received, Told
from services.web.stream.publisher import Publisher
from services.web.stream.tending import Tender
from services.web.stream.wire import (
    MAX_MESSAGE,
    PATH,
    PING_INTERVAL,
    PING_TIMEOUT,
    Gate,
    Wire,
    hang_up,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from services.container import Services

log = structlog.get_logger(__name__)

Answer = dict[str, Any]


class _OneLine(logging.Filter):
    """Bytes that are no Socket.IO make the transport log an error with a stack trace; our own
    handlers let nothing through, so what is left is always something that a client sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        if record.exc_info and record.exc_info[1]:
            record.msg = f"{record.getMessage()}: {record.exc_info[1]!r}"
            record.args, record.exc_info, record.exc_text = (), None, None
        return True


_transport_log = logging.getLogger("healthdeck.stream.transport")
_transport_log.setLevel(logging.ERROR)
if not _transport_log.filters:
    _transport_log.addFilter(_OneLine())


def attach(
    app: Flask, services: Services, max_sockets: int = MAX_SOCKETS, max_each: int = MAX_EACH
) -> Stream:
    """Puts the stream in front of the application; ``app.extensions["healthdeck.stream"]`` holds
    it. What rewrites requests (a proxy's headers) must be put around both afterwards."""

    def may_call(_origin: str | None, environ: WSGIEnvironment) -> bool:
        with app.request_context(environ):
            return from_own_page(unknown=True)

    socketio = SocketIO(
        app,
        path=PATH,
        async_mode="threading",
        # handlers run on the socket's own thread: a flood of events then slows only its sender
        async_handlers=False,
        client_manager=Book(),
        serializer=Received,
        cors_allowed_origins=may_call,
        ping_interval=PING_INTERVAL,
        ping_timeout=PING_TIMEOUT,
        max_http_buffer_size=MAX_MESSAGE,
        logger=_transport_log,
        engineio_logger=_transport_log,
    )
    stream = Stream(app, socketio, services, Listeners(max_sockets, max_each))
    stream.gate = Gate(app.wsgi_app, max_sockets + SPARE)
    app.wsgi_app = stream.gate  # type: ignore[method-assign]
    app.extensions[EXTENSION] = stream
    return stream


class Stream:
    """Everything of one process's stream. ``socketio`` must not have been used yet."""

    gate: Gate

    def __init__(
        self, app: Flask, socketio: SocketIO, services: Services, listeners: Listeners
    ) -> None:
        self._app = app
        self._server = socketio.server
        self._services = services
        self._closing = False
        self._wires: dict[str, Wire] = {}
        self._listeners = listeners
        self._tender = Tender(
            services.identity, listeners, self._sessions, self._wires, self._drop, self._end
        )
        self._publisher = Publisher(services, listeners, self._tell, self._end, self._tender.tend)
        engine = self._server.eio
        engine.disconnect = partial(hang_up, engine)
        engine._async = {**engine._async, "websocket": partial(Wire, self._wires)}
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnect)
        for verb, wanted in (("subscribe", True), ("unsubscribe", False)):
            for subject in ("vps", "tenant", "alerts"):
                handler = partial(self._on, getattr(self, f"_{subject}"), wanted)
                self._server.on(f"{verb}:{subject}", handler)
        services.bus.subscribe(self._publisher.offer)

    # Coming and going

    def _connect(self, sid: str, environ: WSGIEnvironment, auth: Any = None) -> None:
        if self._closing:
            raise Refused("The server is stopping; connect again")
        credential, principal = self._identify(environ, auth)
        session = self._server.manager.eio_sid_from_sid(sid, "/")
        listener = Listener(sid, session, principal, credential, time.monotonic())
        if problem := self._listeners.add(listener):
            raise Refused(problem)
        if self._tender.changed(listener):  # it ended meanwhile: nobody else would know
            self._listeners.remove(sid)
            raise Refused("Authentication failed")

    def _identify(self, environ: WSGIEnvironment, auth: Any) -> tuple[Credential, Principal]:
        try:
            with self._app.request_context(environ):
                credential, principal = caller(auth, self._services.identity)
        except InsufficientPermissions:
            raise Refused("Insufficient permissions") from None
        except HealthdeckError:
            raise Refused("Authentication failed") from None
        except Exception as error:
            log.warning("stream_identity_unavailable", reason=repr(error))
            raise Refused("The server cannot tell who is calling just now; try again") from None
        if principal.role not in ROLES:
            raise Refused("Insufficient permissions")
        return credential, principal

    def _disconnect(self, sid: str, _reason: str = "") -> None:
        self._listeners.remove(sid)

    # Subscriptions

    def _on(
        self, change: Callable[[Listener, bool, Any], str], wanted: bool, sid: str, *payload: Any
    ) -> Answer:
        """Acknowledges ``{ok, error?}``; nothing that a client sends raises."""
        listener = self._listeners.get(sid)
        if listener is None:
            return {"ok": False, "error": "the connection is closed"}
        try:
            problem = change(listener, wanted, payload[0] if payload else None)
        except Exception as error:
            log.warning("stream_subscription_failed", reason=repr(error))
            problem = "the server cannot do this just now; try again"
        return {"ok": False, "error": problem} if problem else {"ok": True}

    def _vps(self, listener: Listener, wanted: bool, vps_id: Any) -> str:
        if not isinstance(vps_id, str):
            return "name the VPS by its id, as text"
        read, scope = self._services.read, listener.principal.scope
        if wanted and not (vps_id in read.fleet().vps and read.sees(vps_id, scope)):
            return "there is no such VPS"
        return self._room(listener, wanted, ("vps", vps_id))

    def _tenant(self, listener: Listener, wanted: bool, tenant_id: Any) -> str:
        if not isinstance(tenant_id, str):
            return "name the tenant by its id, as text"
        read, scope = self._services.read, listener.principal.scope
        if wanted and not (tenant_id in read.fleet().tenants and read.sees(f"@{tenant_id}", scope)):
            return "there is no such tenant"
        return self._room(listener, wanted, ("tenant", tenant_id))

    def _room(self, listener: Listener, wanted: bool, room: Room) -> str:
        if not wanted:
            self._listeners.leave(listener, room)
        elif listener.principal.pages is not None:
            return "this session may open its pages alone"
        elif not self._listeners.enter(listener, room):
            return f"a connection may subscribe to {MAX_ROOMS} rooms; unsubscribe from some first"
        return ""

    def _alerts(self, listener: Listener, wanted: bool, _nothing: Any) -> str:
        listener.alerts = wanted
        return ""

    # Sending: on the publisher's thread only

    def _tell(self, listeners: Iterable[Listener], event: str, text: str) -> None:
        """``text`` is the same for all of them; only ``seq`` is put in for each. Who may see
        some pages alone is told that something changed, and what by those pages."""
        moment = f'{{"timestamp":"{iso(time.time())}"}}'
        for listener in listeners:
            self._send(listener, event, text if listener.principal.pages is None else moment)

    def _send(self, listener: Listener, event: str, text: str) -> None:
        if not self._server.manager.is_connected(listener.sid, "/"):
            return
        session = self._server.eio.sockets.get(listener.session)
        if session is None or session.closed or listener.principal.expires_at <= time.time():
            return
        if listener.behind > MAX_BEHIND:
            log.info("stream_client_too_slow", caller=listener.principal.name)
            self._drop(session)
            return
        listener.seq += 1
        packet = Told(event, listener.seq, text, listener.wrote)
        listener.queue(packet.weight)
        with suppress(EngineIOError):  # it was closed at this moment
            session.send(packet)

    def _end(self, listener: Listener) -> None:
        """Tells a client that it was put out, so it does not come back by itself."""
        self._listeners.remove(listener.sid)
        with suppress(KeyError, EngineIOError):  # it was leaving by itself at this moment
            self._server.disconnect(listener.sid)
        if session := self._server.eio.sockets.get(listener.session):
            session.close(wait=False)

    def _drop(self, session: Any) -> None:
        session.close(wait=False, abort=True)
        if wire := self._wires.get(session.sid):
            wire.abort()

    def _sessions(self) -> dict[str, Any]:
        return dict(self._server.eio.sockets)

    # Start and end

    def start(self) -> None:
        """Starts the stream's thread."""
        self._publisher.start()

    def close(self) -> None:
        """Lets nobody in any more and says goodbye to everybody; does not wait."""
        self._closing = self.gate.closed = True
        for session in list(self._server.eio.sockets.values()):
            session.close(wait=False)

    def abort(self) -> None:
        """Ends what has not gone by itself."""
        for wire in list(self._wires.values()):
            wire.abort()

    def stop(self) -> None:
        """Ends the stream's thread."""
        self._publisher.stop()
