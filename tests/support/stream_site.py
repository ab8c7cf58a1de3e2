"""The stream over real connections, without the rest of the server."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from flask import Flask
from werkzeug.serving import make_server

from models.alerts import AlertRow
from services.container import Services
from services.events import TargetsObserved
from services.web.stream import hub
from services.web.stream.hub import Stream
from services.web.stream.limits import MAX_EACH
from tests.support import site
from tests.support.stream import Listening, Raw

PLACES = 4


class Site:
    """A server of the stream, and its clients."""

    def __init__(
        self, app: Flask, services: Services, places: int = PLACES, each: int = MAX_EACH
    ) -> None:
        self.services = services
        self.stream: Stream = hub.attach(app, services, places, each)
        self.stream.start()
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self._clients: list[Listening | Raw] = []

    def token(self, *tenants: str, role: str = "admin", minutes: float = 5) -> str:
        return self.services.identity.issue_token(role, "test", minutes, tenants or None)

    def named(self, name: str) -> str:
        return self.services.identity.issue_token("admin", name, 5)

    def cookie(self) -> str:
        return self.services.identity.log_in(site.NAME, site.PASSWORD)

    def connect(self, token: str | None = None, **more: Any) -> Listening:
        client = Listening(self.url, token, **more)
        self._clients.append(client)
        return client

    def browser(self) -> Listening:
        client = self.connect(Cookie=f"healthdeck={self.cookie()}", Origin=self.url)
        assert client.connected, client.refused
        return client

    def raw(self, token: str | None = None, *, cookie: str | None = None) -> Raw:
        client = Raw(self.url, token, cookie=cookie)
        self._clients.append(client)
        return client

    def observe(self, *keys: str) -> None:
        self.services.bus.publish(TargetsObserved(frozenset(keys), frozenset()))

    def alert(self, alert_id: str, target: str = "vps-1", impact: Sequence[str] = ()) -> str:
        with self.services.database.write() as session:
            session.add(
                AlertRow(
                    id=alert_id, fingerprint=alert_id, rule_id="r", rule_name="CPU", target=target,
                    vps_id=target, severity="critical", status="active", title=f"CPU of {target}",
                    message="CPU is high", value=99, threshold=90, triggered_at=1.0,
                    impact=list(impact),
                )
            )  # fmt: skip
        return alert_id

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.stream.close()
        self.stream.abort()
        self.stream.stop()
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()
