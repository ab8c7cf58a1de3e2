"""Many clients of the stream in one process: ``python -m tests.support.flock URL``, with the token
in ``FLOCK_TOKEN``. A full Socket.IO client for each would take the machine that is measured.

It writes ``ready`` when all are connected and in their rooms. A line on standard input says how
many events of rooms each should see in the end; then it writes what they saw, as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PATH = "/api/admin/health/stream/?EIO=4&transport=websocket"
ROOT = Path(__file__).resolve().parents[2]
#: Bytes that the kernel may keep for a client that reads nothing.
SMALL = 4096
#: Seconds to wait for what is still on its way.
PATIENCE = 5.0
_SEQ = re.compile(r'^42\["[a-z:]+",\{"seq":(\d+)')
_MARK = re.compile(r'"vpsId":"([a-z0-9-]+)".*"cpu":\{"usage":([0-9.]+)')


class Bird:
    """One client. ``numbers`` are the ``seq`` that it saw, ``marks`` the rooms' events: the server,
    its CPU percent, and when (monotonic, the same for all processes of a machine)."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.marks: list[tuple[str, float, float]] = []
        self.bytes = 0
        self.open = True

    async def connect(self, url: str, token: str, rooms: list[list[str]], *, small: bool) -> None:
        parts = urlsplit(url)
        raw = socket.socket()
        if small:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        raw.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(raw, (parts.hostname, parts.port))
        self.reader, self.writer = await asyncio.open_connection(sock=raw, limit=SMALL)
        key = base64.b64encode(os.urandom(16)).decode()
        self.writer.write(
            f"GET {PATH} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}"
            "\r\n\r\n".encode()
        )
        answer = await self.reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in answer.split(b"\r\n")[0], answer
        await self.next("0")
        self.send("40" + json.dumps({"token": token}))
        await self.next("40")
        for number, room in enumerate(rooms):
            self.send(f"42{number}" + json.dumps(room))
            said = await self.next(f"43{number}")
            assert '"ok":true' in said.replace(" ", ""), said

    def send(self, text: str) -> None:
        data, mask = text.encode(), os.urandom(4)
        size = bytes([128 | len(data)])
        if len(data) > 125:
            size = bytes([128 | 126]) + struct.pack(">H", len(data))
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.writer.write(b"\x81" + size + mask + masked)

    async def next(self, start: str) -> str:
        """The next message that begins so; events before it count as seen."""
        while True:
            text = await self.message()
            if text.startswith(start):
                return text

    async def message(self) -> str:
        head = await self.reader.readexactly(2)
        if head[0] & 15 == 8:
            raise ConnectionError("the server says goodbye")
        size = head[1] & 127
        if size > 125:
            wide = await self.reader.readexactly(2 if size == 126 else 8)
            size = int.from_bytes(wide, "big")
        text = (await self.reader.readexactly(size)).decode()
        self.bytes += size
        if text == "2":
            self.send("3")
        elif found := _SEQ.match(text):
            self.numbers.append(int(found[1]))
            if mark := _MARK.search(text):
                self.marks.append((mark[1], float(mark[2]), time.monotonic()))
        return text

    async def read(self) -> None:
        """Reads until the server ends it."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await self.message()
        self.open = False


async def flock(url: str, token: str, rooms: list[list[str]], sockets: int, slow: int) -> Any:
    healthy, still = [Bird() for _ in range(sockets - slow)], [Bird() for _ in range(slow)]
    gate = asyncio.Semaphore(20)

    async def enter(bird: Bird, *, small: bool) -> None:
        async with gate:
            await bird.connect(url, token, rooms, small=small)
        if small:
            bird.writer.transport.pause_reading()  # type: ignore[attr-defined]

    await asyncio.gather(*(enter(one, small=False) for one in healthy))
    await asyncio.gather(*(enter(one, small=True) for one in still))
    reading = [asyncio.create_task(one.read()) for one in healthy]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    said = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    deadline = time.monotonic() + PATIENCE
    while any(len(one.marks) < int(said) for one in healthy) and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    closed = sum(not one.open for one in healthy)
    for task in reading:
        task.cancel()
    for one in still:
        one.writer.transport.resume_reading()  # type: ignore[attr-defined]
    ended = [asyncio.create_task(one.read()) for one in still]
    if ended:
        await asyncio.wait(ended, timeout=3)
    arrivals: dict[str, list[float]] = defaultdict(list)
    for one in healthy:
        for vps_id, value, at in one.marks:
            arrivals[f"{vps_id} {value:g}"].append(at)
    return {
        "arrivals": arrivals,
        "events": sum(len(one.numbers) for one in healthy),
        "gaps": sum(one.numbers != list(range(1, len(one.numbers) + 1)) for one in healthy),
        "closed": closed,
        "slowClosed": sum(not one.open for one in still),
        "bytes": sum(one.bytes for one in healthy),
    }


class Flock:
    """The process, from a test. ``rooms``: what each socket sends, as ``["subscribe:vps",
    "vps-1"]``."""

    def __init__(
        self, url: str, token: str, rooms: list[list[str]], sockets: int, slow: int
    ) -> None:
        words = ["--sockets", str(sockets), "--slow", str(slow), "--rooms", json.dumps(rooms)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.flock", url, *words],
            cwd=ROOT,
            env={**os.environ, "FLOCK_TOKEN": token},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said == "ready\n", said

    def end(self, events: int) -> Any:
        """What they saw, once each healthy one has seen so many events of rooms, or PATIENCE
        seconds later."""
        out, _ = self._process.communicate(f"{events}\n", timeout=30)
        return json.loads(out)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def main() -> None:
    given = argparse.ArgumentParser(prog="python -m tests.support.flock", description=__doc__)
    given.add_argument("url")
    given.add_argument("--sockets", type=int, required=True)
    given.add_argument("--slow", type=int, default=0)
    given.add_argument("--rooms", type=json.loads, default=[])
    args = given.parse_args()
    token = os.environ["FLOCK_TOKEN"]
    seen = asyncio.run(flock(args.url, token, args.rooms, args.sockets, args.slow))
    sys.stdout.write(f"{json.dumps(seen)}\n")


if __name__ == "__main__":
    main()
