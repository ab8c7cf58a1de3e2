"""A server that speaks Twilio's message API, refuses on command and signs its receipts."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from twilio.request_validator import RequestValidator

from services.notify.channels.twilio import Account
from tests.support.web import Answer, LocalServer, Request

SID, TOKEN, NUMBER = "AC" + "0" * 32, "a token of 32 characters, hidden", "+15550001111"
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Taken:
    """A message as it was handed in."""

    sid: str
    form: dict[str, str]


@dataclass(frozen=True)
class Receipt:
    """What Twilio posts to the address that it was given, ``path`` without the host."""

    path: str
    form: dict[str, str]
    headers: dict[str, str]


class TwilioServer:
    """``refusal``: an answer instead of 201; ``state`` is that of the account."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.refusal: Answer | None = None
        self.state = "active"
        self.web = LocalServer(self._answer)
        self.account = Account(SID, TOKEN, NUMBER, self.web.url)

    def close(self) -> None:
        self.web.close()

    def refuse(self, status: int, code: int, said: str = "", **headers: str) -> None:
        body = {"code": code, "message": said, "status": status}
        self.refusal = Answer(status, body, {**_JSON, **headers})

    def receipt(self, number: int, status: str, code: str = "", token: str = TOKEN) -> Receipt:
        """The receipt of a message that was taken."""
        message = self.taken[number]
        url = message.form["StatusCallback"]
        form = {"MessageSid": message.sid, "MessageStatus": status, "To": message.form["To"]}
        if code:
            form["ErrorCode"] = code
        signature = RequestValidator(token).compute_signature(url, form)
        parts = urlsplit(url)
        return Receipt(f"{parts.path}?{parts.query}", form, {"X-Twilio-Signature": signature})

    def _answer(self, request: Request) -> Answer:
        login = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {login}":
            return Answer(401, {"code": 20003, "message": "Authenticate", "status": 401}, _JSON)
        if self.refusal:
            return self.refusal
        if request.path == f"/2010-04-01/Accounts/{SID}.json":
            return Answer(200, {"sid": SID, "status": self.state}, _JSON)
        if request.path != f"/2010-04-01/Accounts/{SID}/Messages.json":
            return Answer(404, {"code": 20404, "message": "not found", "status": 404}, _JSON)
        form = dict(parse_qsl(request.body.decode()))
        if not re.fullmatch(r"\+[1-9][0-9]{6,14}", form["To"]):
            return Answer(400, {"code": 21211, "message": "invalid", "status": 400}, _JSON)
        self.taken.append(Taken(f"SM{uuid4().hex}", form))
        return Answer(201, {"sid": self.taken[-1].sid, "status": "queued"}, _JSON)
