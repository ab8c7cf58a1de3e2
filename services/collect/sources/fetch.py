"""GET of one address again and again, over a connection that is kept in between."""

from __future__ import annotations

import asyncio
import re
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yarl import URL

from services.collect.checks.connection import Connection
from services.collect.checks.failures import network_failure, where
from services.collect.checks.http_wire import BrokenOff, Head, NotHttp, read_head, request

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext

MOST_REDIRECTS = 5

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?\r?")
_LONGEST_CHUNK_LINE = 1024
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})


class Unfetchable(Exception):
    """No answer came; the text says why in plain words."""


class _BadRedirect(Exception):
    """The answer points to where nobody can follow."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``url`` is the one that answered, ``body`` what was read up to the limit if ``truncated``,
    ``ms`` how long the headers took."""

    url: URL
    code: int
    content_type: str
    body: bytes
    truncated: bool
    ms: float


class Fetcher:
    """Asks ``url``, for answers of at most ``most`` bytes. One ``get`` at a time."""

    def __init__(self, url: str, accept: str, most: int) -> None:
        self._url = URL(url)
        self._headers = {"Accept": accept, "Connection": "keep-alive"}
        self._most = most
        self._kept: Connection | None = None
        self._origin: URL | None = None
        self._connected = self._begun = False

    async def get(self, timeout: float, context: ProbeContext) -> Answer:
        """The answer, at most 5 redirects on, within ``timeout`` seconds. Raises Unfetchable."""
        begun = time.perf_counter()
        url = self._url
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                for _ in range(MOST_REDIRECTS + 1):
                    head, body, more = await self._exchange(url, context)
                    there = head.headers.get("location")
                    if head.code not in _REDIRECTS or not there:
                        ms = (time.perf_counter() - begun) * 1000
                        kind = head.headers.get("content-type", "")
                        return Answer(url, head.code, kind, body, more, ms)
                    url = _joined(url, there)
                raise _BadRedirect(f"redirects more than {MOST_REDIRECTS} times")
        except (OSError, EOFError, NotHttp, BrokenOff, _BadRedirect) as error:
            self.close()
            raise Unfetchable(self._words(error, url, timeout, limit.expired())) from error
        except BaseException:
            self.close()  # in the middle of an answer it is of no more use
            raise

    def close(self) -> None:
        """Hangs up; the next ``get`` connects anew."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    async def _exchange(self, url: URL, context: ProbeContext) -> tuple[Head, bytes, bool]:
        self._begun = False
        asked = request("GET", url, self._headers)
        origin = url.origin()
        if self._kept is not None and self._origin == origin:
            connection = self._kept
            try:
                await connection.send(asked)
                head = await read_head(connection)
            except (OSError, EOFError, NotHttp):
                pass  # the peer has hung up meanwhile, as it may; this counts for nothing
            else:
                return await self._rest(connection, head)
        self.close()
        connection = await self._connect(url, context)
        self._kept, self._origin = connection, origin
        await connection.send(asked)
        return await self._rest(connection, await read_head(connection))

    async def _connect(self, url: URL, context: ProbeContext) -> Connection:
        self._connected = False
        host = url.raw_host or ""
        connection = await Connection.open(host, url.port or 80, context.names)
        self._connected = True
        try:
            if url.scheme == "https":
                await connection.start_tls(context.tls, host)
        except BaseException:
            connection.close()
            raise
        return connection

    async def _rest(self, connection: Connection, head: Head) -> tuple[Head, bytes, bool]:
        self._begun = True
        body, complete = await _body(connection, head, self._most)
        if not complete or "close" in head.headers.get("connection", "").lower():
            self.close()
        more = len(body) > self._most
        if head.headers.get("content-encoding", "").lower() in _PACKED:
            body, more = _unpacked(body, self._most)
        return head, body[: self._most], more

    def _words(self, error: Exception, url: URL, timeout: float, expired: bool) -> str:
        place = where(url.raw_host or "", url.port)
        if expired:
            if self._begun:
                return f"{place} began to answer but was not done within {timeout:g} s"
            if self._connected:
                return f"no answer from {place} within {timeout:g} s"
            return f"no connection to {place} within {timeout:g} s"
        if isinstance(error, _BadRedirect):
            return f"{place} {error}"
        if isinstance(error, NotHttp):
            return f"{place} answered something that is not HTTP"
        if self._begun:
            return f"the answer of {place} broke off"
        if isinstance(error, OSError):
            hint = "is it http instead of https?"
            return network_failure(error, url.raw_host or "", url.port, hint).message
        return f"{place} hung up without an answer"


def _joined(url: URL, location: str) -> URL:
    try:
        there = url.join(URL(location)).with_fragment(None)
        usable = there.scheme in ("http", "https") and bool(there.raw_host) and bool(there.port)
    except ValueError:
        usable = False
    if not usable:
        raise _BadRedirect("redirects to something that is no web address")
    return there


async def _body(connection: Connection, head: Head, most: int) -> tuple[bytes, bool]:
    """The body, up to a little more than ``most`` bytes, and whether the answer is at its end
    with the connection still of use."""
    if head.code in (101, 204, 304):
        return b"", head.code != 101
    if "chunked" in head.headers.get("transfer-encoding", "").lower():
        return await _chunked(connection, most)
    said = head.headers.get("content-length")
    if said is None:
        return await _up_to(connection, most + 1), False
    if not (said.isascii() and said.isdigit() and len(said) < 19):
        raise NotHttp
    length = int(said)
    body = await _up_to(connection, min(length, most + 1))
    if len(body) < min(length, most + 1):
        raise BrokenOff
    # More than was announced would be taken for the beginning of the next answer.
    return body[:length], len(body) == length


async def _up_to(connection: Connection, size: int) -> bytes:
    """At least ``size`` bytes unless the peer hangs up before."""
    parts: list[bytes] = []
    while size > 0 and (part := await connection.receive()):
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _chunked(connection: Connection, most: int) -> tuple[bytes, bool]:
    """RFC 9112, section 7.1. Trailers are passed over."""
    data, parts, place, total = bytearray(), [], 0, 0
    while True:
        line, place = await _line(connection, data, place)
        size = _CHUNK_SIZE.fullmatch(line)
        if size is None:
            raise NotHttp
        left = int(size[1], 16)
        if left == 0:
            break
        wanted = min(left, most + 1 - total)
        await _fill(connection, data, place + wanted)
        parts.append(bytes(data[place : place + wanted]))
        total += wanted
        if total > most or place > 2 * most + _LONGEST_CHUNK_LINE:  # crumbs, or no end
            return b"".join(parts), False
        ending, place = await _line(connection, data, place + wanted)
        if ending.strip():
            raise NotHttp
    while True:
        line, place = await _line(connection, data, place)
        if not line.strip():
            return b"".join(parts), place == len(data)
        if len(data) > 2 * (most + _LONGEST_CHUNK_LINE):
            raise NotHttp


async def _line(connection: Connection, data: bytearray, place: int) -> tuple[bytes, int]:
    """The line that begins at ``place``, and where the next one begins."""
    while (end := data.find(b"\n", place)) < 0:
        if len(data) - place > _LONGEST_CHUNK_LINE:
            raise NotHttp
        await _fill(connection, data, len(data) + 1)
    return bytes(data[place:end]), end + 1


async def _fill(connection: Connection, data: bytearray, size: int) -> None:
    while len(data) < size:
        part = await connection.receive()
        if not part:
            raise BrokenOff
        data += part


def _unpacked(body: bytes, most: int) -> tuple[bytes, bool]:
    """Asked for plain bytes, some servers pack them all the same (gzip or zlib)."""
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        plain = unpacking.decompress(body, most + 1)
    except zlib.error:
        return body, False
    return plain, len(plain) > most
