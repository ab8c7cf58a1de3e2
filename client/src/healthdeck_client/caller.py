"""How one request is sent: who calls, what comes back, what is an error."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

import httpx

from healthdeck_client import errors
from healthdeck_client.download import Download
from healthdeck_client.errors import ConnectionFailed, HealthdeckError, UnexpectedAnswer
from healthdeck_client.patience import Patience, seconds

#: A token, or what gives the current one: asked for every request and every connection.
Token: TypeAlias = str | Callable[[], str]

Asked: TypeAlias = str | int | float | bool | datetime | Sequence[str] | None
Query: TypeAlias = Mapping[str, Asked]


class Caller:
    """One server and one identity. Safe to use from several threads; close it at the end, or use
    it in a ``with`` statement."""

    def __init__(
        self,
        url: str,
        token: Token | None = None,
        *,
        timeout: float = 30.0,
        patience: Patience | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``url`` is where Healthdeck's pages are, a sub-path included; ``timeout`` is in seconds,
        for connecting and for each piece of an answer; ``tls`` is for a certificate of your own
        authority. Raises ValueError for a URL that is none."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url must be an address such as https://healthdeck.example")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("url must not hold a name, a password, a ? or a #")
        self.url = url.rstrip("/")
        self._tls = tls
        self._patience = patience or Patience()
        self._bearer = _bearer(token)
        self._http = httpx.Client(
            base_url=self.url, timeout=timeout, verify=tls if tls is not None else True
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _json(self, verb: str, path: str, query: Query | None = None, **more: Any) -> Any:
        answer = self._call(verb, path, query, **more)
        try:
            return answer.json()
        except ValueError:
            raise UnexpectedAnswer(
                "The answer is not Healthdeck's: no JSON.", status=answer.status_code
            ) from None

    def _text(self, verb: str, path: str, query: Query | None = None, **more: Any) -> str:
        return self._call(verb, path, query, **more).text

    def _nothing(self, verb: str, path: str, query: Query | None = None, **more: Any) -> None:
        self._call(verb, path, query, **more)

    def _file(self, verb: str, path: str, query: Query | None = None) -> Download:
        return Download(lambda: self._call(verb, path, query, stream=True))

    def _rows(self, field: str, path: str, query: Query) -> Iterator[Any]:
        cursor: str | None = None
        while True:
            page = self._json("GET", path, {**query, "cursor": cursor})
            yield from page[field]
            cursor = page["nextCursor"]
            if cursor is None:
                return

    def _call(
        self,
        verb: str,
        path: str,
        query: Query | None = None,
        *,
        body: Any = None,
        key: str | None = None,
        once: bool = False,
        stream: bool = False,
    ) -> httpx.Response:
        """The answer, which is a good one. ``key``: that of a POST, made here unless it is given;
        with it nothing is done twice. ``once``: without a second try."""
        headers = {"Accept": "*/*"}
        if verb == "POST" and not once:
            headers["Idempotency-Key"] = key or secrets.token_hex(16)

        def ask() -> httpx.Response:
            return self._once(verb, path, query, body, headers, stream)

        return ask() if once else self._patience.ask(ask)

    def _once(
        self, verb: str, path: str, query: Query | None, body: Any, headers: dict[str, str],
        stream: bool,
    ) -> httpx.Response:  # fmt: skip
        request = self._http.build_request(
            verb, path, params=_written(query or {}), json=body, headers=headers
        )
        if bearer := self._bearer():
            request.headers["Authorization"] = bearer
        try:
            answer = self._http.send(request, stream=stream)
            if answer.is_success:
                return answer
            answer.read()
        except httpx.HTTPError as error:
            raise failed(self.url, error) from None
        raise _refused(answer)


def failed(url: str, error: Exception) -> ConnectionFailed:
    """What a broken connection is told as. A library's exception holds the request, and so the
    token: only its words are taken."""
    return ConnectionFailed(f"{url} does not answer: {error or type(error).__name__}")


def segment(text: str) -> str:
    """A part of a path. Raises ValueError for what would lead to another operation."""
    if text in ("", ".", ".."):
        raise ValueError(f"an id is needed, not {text!r}")
    return quote(text, safe="")


def _bearer(token: Token | None) -> Callable[[], str | None]:
    """What gives the header's text: a closure, so that neither ``repr`` nor ``vars`` shows it."""

    def bearer() -> str | None:
        given = token() if callable(token) else token
        if given is None:
            return None
        text = given.strip()
        # a header's own error would print the token
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("the token is empty or has characters that no token has")
        return f"Bearer {text}"

    if not callable(token):
        bearer()
    return bearer


def _written(query: Query) -> list[tuple[str, str | int | float | bool | None]]:
    written: list[tuple[str, str | int | float | bool | None]] = []
    for name, value in query.items():
        several = [value] if isinstance(value, str) or not isinstance(value, Sequence) else value
        written += [(name, _word(one)) for one in several if one is not None]
    return written


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _refused(answer: httpx.Response) -> HealthdeckError:
    try:
        body = answer.json()
    except ValueError:
        body = None
    return errors.told(answer.status_code, body, seconds(answer.headers.get("Retry-After")))
