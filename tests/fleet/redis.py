"""A Redis that answers what monitors ask: PING, INFO, AUTH and the words of a client's hello."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from tests.fleet.session import Trouble

VERSION = "7.4.1"


class RedisSession:
    """Speaks RESP; after ``HELLO 3`` its third version. ``info`` gives the figures of INFO."""

    greeting = b""
    upgrade = False
    _SIMPLE: ClassVar[dict[bytes, bytes]] = {
        b"SELECT": b"+OK\r\n",
        b"CLIENT": b"+OK\r\n",
        b"RESET": b"+RESET\r\n",
        b"DBSIZE": b":48213\r\n",
        b"COMMAND": b"*0\r\n",
    }

    def __init__(self, info: Callable[[], dict[str, int]], password: str | None = None) -> None:
        self._info = info
        self._password = password
        self._inside = password is None
        self._held = b""
        self.closing = False

    def received(self, data: bytes, trouble: Trouble | None) -> bytes | None:
        if trouble is not None and trouble.kind == "body":
            self.closing = True
            return b"HTTP/1.1 400 Bad Request\r\n\r\n"
        self._held += data
        replies = []
        while not self.closing and (found := _command(self._held)):
            words, self._held = found
            replies.append(self._reply(words, trouble))
        if len(self._held) > 65536:
            self.closing = True
        return b"".join(replies) or None

    def _reply(self, words: list[bytes], trouble: Trouble | None) -> bytes:
        if not words:
            return b""
        name, upper = words[0].upper(), [word.upper() for word in words]
        if name == b"QUIT":
            self.closing = True
            return b"+OK\r\n"
        if trouble is not None and trouble.kind == "5xx":
            return b"-LOADING Redis is loading the dataset in memory\r\n"
        if name == b"AUTH":
            return self._auth(words[-1])
        if name == b"HELLO" and b"AUTH" in upper:
            at = upper.index(b"AUTH") + 2
            if (refused := self._auth(b"".join(words[at : at + 1]))) != b"+OK\r\n":
                return refused
        if not self._inside:
            return b"-NOAUTH Authentication required.\r\n"
        return self._work(name, words)

    def _work(self, name: bytes, words: list[bytes]) -> bytes:
        if name == b"PING":
            return b"+PONG\r\n" if len(words) == 1 else _bulk(words[1])
        if name == b"ECHO":
            return _bulk(words[-1])
        if name == b"HELLO":
            return _hello(words[1:2] == [b"3"])
        if name == b"INFO":
            lines = [f"redis_version:{VERSION}", "role:master"]
            lines += [f"{field}:{value}" for field, value in self._info().items()]
            return _bulk("\r\n".join(["# Server", *lines, ""]).encode())
        shown = words[0][:40].decode("latin-1")
        return self._SIMPLE.get(name) or f"-ERR unknown command '{shown}'\r\n".encode()

    def _auth(self, password: bytes) -> bytes:
        if self._password is None:
            return (
                b"-ERR AUTH <password> called without any password configured for the default "
                b"user. Are you sure your configuration is correct?\r\n"
            )
        self._inside = password == self._password.encode()
        if self._inside:
            return b"+OK\r\n"
        return b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"


def _command(held: bytes) -> tuple[list[bytes], bytes] | None:
    """The first whole command in what is held, and the rest."""
    line, end, rest = held.partition(b"\r\n")
    if not end:
        return None
    if not line.startswith(b"*"):
        return line.split(), rest
    words = []
    try:
        for _ in range(int(line[1:])):
            size, end, rest = rest.partition(b"\r\n")
            length = int(size[1:]) if end else 0
            if not end or len(rest) < length + 2:
                return None
            words.append(rest[:length])
            rest = rest[length + 2 :]
    except ValueError:
        return [b"QUIT"], b""
    return words, rest


def _bulk(data: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(data), data)


def _hello(resp3: bool) -> bytes:
    fields = {"server": "redis", "version": VERSION, "mode": "standalone", "role": "master"}
    text = b"".join(_bulk(k.encode()) + _bulk(v.encode()) for k, v in fields.items())
    proto = _bulk(b"proto") + (b":3\r\n" if resp3 else b":2\r\n")
    count = len(fields) + 1
    return (b"%%%d\r\n" % count if resp3 else b"*%d\r\n" % (2 * count)) + text + proto
