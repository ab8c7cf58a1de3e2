"""HTTP/1.1 as a check needs it (RFC 9112): one request, one answer of bounded size.

A client library would do; measured on this product it took half of all that a look costs.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from yarl import URL

from services.collect.checks.connection import Connection, LineTooLong

#: Of an answer's body, and of its headers, in bytes.
MOST_BYTES = 1024 * 1024
MOST_HEAD = 64 * 1024
_LONGEST_CHUNK_LINE = 1024
_MOST_TRAILERS = 100

_HEADERS: Mapping[str, str] = {
    "User-Agent": "healthdeck",
    "Accept": "application/health+json, application/json, */*;q=0.5",
    "Accept-Encoding": "identity",
    "Cache-Control": "no-cache",
    "Connection": "close",
}

_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] ([1-9][0-9]{2})(?:[ \r].*)?$")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?$")
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})


class NotHttp(Exception):
    """The peer answered something that is not HTTP."""


class BrokenOff(Exception):
    """The peer hung up in the middle of the body."""


@dataclass(frozen=True, slots=True)
class Head:
    """``headers`` by their names in small letters; one that came twice is joined by commas."""

    code: int
    headers: Mapping[str, str]


@lru_cache(maxsize=8192)
def _opening(method: str, url: URL) -> tuple[str, Mapping[str, str]]:
    """The request line and the headers that every request to an address has."""
    headers = {"Host": url.host_port_subcomponent or "", **_HEADERS}
    if url.raw_user is not None or url.raw_password is not None:
        login = f"{url.user or ''}:{url.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
    return f"{method} {url.raw_path_qs or '/'} HTTP/1.1\r\n", headers


def request(method: str, url: URL, headers: Mapping[str, str]) -> bytes:
    """A request without a body; ``headers`` replace those that every request has."""
    line, ours = _opening(method, url)
    if headers:
        named = {name.lower() for name in headers}
        ours = {name: value for name, value in ours.items() if name.lower() not in named}
        ours.update(headers)
    fields = "".join(f"{name}: {value}\r\n" for name, value in ours.items())
    return f"{line}{fields}\r\n".encode("latin-1")


async def read_head(connection: Connection) -> Head:
    """The head of the final answer; interim ones (1xx) are passed over.

    Raises EOFError when the peer hung up without an answer, NotHttp, OSError.
    """
    while True:
        head = _parse(await _raw_head(connection))
        if head.code >= 200 or head.code == 101:
            return head


async def _raw_head(connection: Connection) -> bytes:
    data = bytearray()
    while True:
        chunk = await connection.receive()
        if not chunk:
            if data:
                raise NotHttp
            raise EOFError
        searched = max(0, len(data) - 3)
        data += chunk
        if not data.startswith(b"HTTP/"[: len(data)]):
            raise NotHttp
        if end := _HEAD_END.search(data, searched):
            connection.unread(data[end.end() :])
            return bytes(data[: end.start()])
        if len(data) > MOST_HEAD:
            raise NotHttp


def _parse(data: bytes) -> Head:
    first, *lines = data.split(b"\n")
    status = _STATUS_LINE.match(first)
    if not status:
        raise NotHttp
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not _NAME.fullmatch(name):
            raise NotHttp
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Head(int(status[1]), headers)


async def read_body(
    connection: Connection, method: str, head: Head, received: Callable[[int], None]
) -> tuple[bytes, bool]:
    """The body up to MOST_BYTES, unpacked, and whether there is more.

    ``received`` is told how many bytes have come so far. Raises BrokenOff, NotHttp, OSError.
    """
    if method == "HEAD" or head.code in (101, 204, 304):
        return b"", False
    if "chunked" in head.headers.get("transfer-encoding", "").lower():
        body, more = await _chunked(connection, received)
    else:
        body, more = await _plain(connection, _length(head.headers), received)
    if head.headers.get("content-encoding", "").lower() in _PACKED:
        return _unpacked(body, more)
    return body, more


def _length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length")
    if text is None:
        return None
    said = {part.strip() for part in text.split(",")}
    number = said.pop()
    if said or not number.isascii() or not number.isdigit() or len(number) > 18:
        raise NotHttp
    return int(number)


async def _plain(
    connection: Connection, length: int | None, received: Callable[[int], None]
) -> tuple[bytes, bool]:
    """A body of ``length`` bytes; None: until the peer hangs up."""
    body = bytearray()
    while length is None or len(body) < length:
        chunk = await connection.receive()
        if not chunk:
            if length is None:
                break
            raise BrokenOff
        body += chunk
        received(len(body))
        if len(body) > MOST_BYTES:
            return bytes(body[:MOST_BYTES]), True
    return bytes(body if length is None else body[:length]), False


async def _chunked(connection: Connection, received: Callable[[int], None]) -> tuple[bytes, bool]:
    body = bytearray()
    try:
        while size := await _chunk_size(connection):
            # A little more than the limit shows that there is more; the rest is left alone.
            body += await connection.exactly(min(size, MOST_BYTES + 1 - len(body)))
            received(len(body))
            if len(body) > MOST_BYTES:
                return bytes(body[:MOST_BYTES]), True
            if await connection.line(_LONGEST_CHUNK_LINE):
                raise NotHttp
        for _ in range(_MOST_TRAILERS):
            if not await connection.line(_LONGEST_CHUNK_LINE):
                return bytes(body), False
    except EOFError:
        raise BrokenOff from None
    except LineTooLong:
        raise NotHttp from None
    raise NotHttp


async def _chunk_size(connection: Connection) -> int:
    size = _CHUNK_SIZE.match(await connection.line(_LONGEST_CHUNK_LINE))
    if not size:
        raise NotHttp
    return int(size[1], 16)


def _unpacked(body: bytes, more: bool) -> tuple[bytes, bool]:
    """Asked for plain bytes, some servers pack them all the same (gzip or zlib)."""
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        plain = unpacking.decompress(body, MOST_BYTES + 1)
    except zlib.error:
        return body, more
    return plain[:MOST_BYTES], more or len(plain) > MOST_BYTES
