"""An installation whose channels lead to real peers on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from models.alerts import AlertRow
from models.notifications import NotificationRow as Row
from services.container import Services
from services.events import Event
from tests.support import site
from tests.support.mail_server import FROM, Post
from tests.support.twilio_server import NUMBER, SID, TOKEN, TwilioServer
from tests.support.web import Answer, LocalServer

NOW = 1_763_634_600.0
SECRET = "whsec_aGVhbHRoZGVjay1pbi1hLXRlc3Qtb2YtaXRzLW93bg=="
LOOPBACK = "127.0.0.0/8"
_CONTACTS = """
contacts:
  - name: Ops
    email: ops@example.com
    phone: "+31600000000"
    webhook: {{url: "{hook}", secret: "{secret}"}}
    apprise: "json://127.0.0.1:{port}/apprise"
  - {{name: Boss, email: boss@example.com}}
  - {{name: Cloud, webhook: {{url: "http://169.254.169.254/latest", secret: "{secret}"}}}}
"""


class Peers:
    """What the channels talk to."""

    def __init__(self) -> None:
        self.hook, self.post, self.twilio = LocalServer(Answer(204)), Post(), TwilioServer()

    def settings(self) -> dict[str, Any]:
        return {
            "smtp_url": self.post.settings,
            "mail_from": FROM,
            "twilio_account_sid": SID,
            "twilio_auth_token": TOKEN,
            "twilio_from": NUMBER,
            "twilio_base_url": self.twilio.account.base_url,
            "webhook_allow": LOOPBACK,
        }

    def contacts(self) -> str:
        hook = f"{self.hook.url}/hook"
        return _CONTACTS.format(hook=hook, port=self.hook.port, secret=SECRET)

    def close(self) -> None:
        self.hook.close()
        self.post.close()
        self.twilio.close()


class Place:
    """``services`` do not run, but what is asked of the pipeline when it was started."""

    def __init__(self, services: Services, peers: Peers) -> None:
        self.services, self.peers = services, peers
        self.client: FlaskClient = site.serve(services).test_client(use_cookies=False)
        self.admin = site.bearer(services)
        self.heard: list[Event] = []
        services.bus.subscribe(self.heard.append)

    def get(self, headers: dict[str, str] | None = None, **query: Any) -> Any:
        path = "/api/admin/notifications"
        answer = self.client.get(path, query_string=query, headers=headers or self.admin)
        return answer.get_json() | {"status": answer.status_code}

    def post(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        answer = self.client.post(
            f"/api/admin/notifications/{path}", json=body, headers=self.admin | headers
        )
        return answer.status_code, answer.get_json()

    def test(self, channel: str, recipient: str | None = None) -> tuple[int, Any]:
        body = {"channel": channel, **({"recipient": recipient} if recipient else {})}
        return self.post("test", body)

    def rows(self) -> list[Row]:
        with self.services.database.read() as session:
            return list(session.scalars(select(Row).order_by(Row.created_at, Row.id)))

    def alert(self, alert_id: str, vps: str = "vps-1") -> None:
        with self.services.database.write() as session:
            session.add(
                AlertRow(
                    id=alert_id, fingerprint=alert_id, rule_id="r", rule_name="R", target=vps,
                    vps_id=vps, severity="critical", status="active", title="API down", message="",
                    value=1, threshold=1, triggered_at=NOW, impact=[],
                )
            )  # fmt: skip

    def row(self, alert_id: str | None = None, at: float = NOW, **more: Any) -> str:
        """Writes a notification; its id."""
        values = {
            "id": uuid4().hex, "event": "alert.fired", "channel": "webhook", "recipient": "Ops",
            "status": "sent", "reason": "accepted", "detail": "", "attempts": 1, "via": "",
            "body": {"title": "API down", "message": "No answer", "severity": "critical"},
        }  # fmt: skip
        row = Row(alert_id=alert_id, created_at=at, **{**values, **more})
        with self.services.database.write() as session:
            session.add(row)
        return row.id


@contextmanager
def placed(
    folder: Path, empty: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> Iterator[Place]:
    """``settings`` beside those that its channels need."""
    peers = Peers()
    monkeypatch.setattr(site, "FLEET", site.FLEET + peers.contacts())
    services = site.build(folder, empty, **{**peers.settings(), **settings})
    try:
        yield Place(services, peers)
    finally:
        services.pipeline.stop()
        services.templates.close()
        services.database.close()
        peers.close()
