"""The sources behind the network, against servers on the loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from services.collect.checks import open_context
from services.collect.sources.exporter import ExporterReader
from services.collect.sources.health import HealthReader
from services.inventory.schema import ExporterSource, HealthSource
from services.observation import Observation, Status
from tests.support.check_peers import (
    hang,
    hang_up,
    hear_and_hang_up,
    refused_port,
    saying,
    serving,
)

METRICS = b"node_memory_MemTotal_bytes 100\nnode_memory_MemAvailable_bytes 25\nnode_load1 2\n"


def answer(body: bytes, code: int = 200, kind: str = "text/plain", more: str = "") -> bytes:
    head = f"HTTP/1.1 {code} x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def exporter(port: int) -> ExporterReader:
    url = f"http://127.0.0.1:{port}/metrics"
    return ExporterReader("v", ExporterSource(type="exporter", url=url), wall=lambda: 1000.0)


def health(port: int) -> HealthReader:
    url = f"http://127.0.0.1:{port}/health"
    return HealthReader("v", HealthSource(type="health", url=url), wall=lambda: 1000.0)


def read(make: Callable[[int], Any], talk: Any, times: int = 1, timeout: float = 3) -> Observation:
    """The last of some readings."""

    async def go() -> Observation:
        async with serving(talk) as port, open_context() as context:
            source = make(port)
            try:
                for _ in range(times):
                    seen = await source.read(timeout, context)
                return seen
            finally:
                source.close()

    return asyncio.run(go())


class Kept:
    """Answers every request of a connection, up to ``most``, and counts both."""

    def __init__(self, reply: bytes, most: int = 1000) -> None:
        self.reply, self.most = reply, most
        self.connections = self.requests = 0

    async def __call__(self, reader, writer) -> None:
        self.connections += 1
        for _ in range(self.most):
            await reader.readuntil(b"\r\n\r\n")
            self.requests += 1
            writer.write(self.reply)
            await writer.drain()


@pytest.mark.parametrize(
    "reply",
    [
        answer(METRICS),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%s\r\n" % (len(line), line) for line in METRICS.splitlines(True))
        + b"0\r\n\r\n",
    ],
    ids=["length", "chunked"],
)
def test_a_connection_is_kept(reply):
    server = Kept(reply)
    seen = read(exporter, server, times=3)
    assert seen.error is None
    assert seen.at == 1000.0
    assert seen.metrics["system.memory.usedPercent"] == 75
    assert (server.connections, server.requests) == (1, 3)


def test_a_kept_connection_that_the_server_closed_costs_nothing():
    server = Kept(answer(METRICS), most=1)
    seen = read(exporter, server, times=3)
    assert seen.error is None
    assert (server.connections, server.requests) == (3, 3)


def test_a_server_that_says_close_is_obeyed():
    server = Kept(answer(METRICS, more="Connection: close\r\n"))
    assert read(exporter, server, times=2).error is None
    assert server.connections == 2


async def endless(reader, writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"node_load1 1\n" * 5000)
        await writer.drain()


async def drips(reader, writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nnode_load1 1\n")
    await hang(reader, writer)


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        (Kept(answer(b"<!doctype html><p>hi", kind="text/html")), "answered a web page"),
        (Kept(answer(b"hello")), "answered no metric of a node_exporter"),
        (Kept(answer(b"")), "answered an empty page"),
        (Kept(answer(METRICS, 500)), "answered 500"),
        (Kept(answer(METRICS, 401)), "answered 401"),
        (Kept(answer(METRICS * 150_000)), "answered more than 4 MiB"),
        (endless, "answered more than 4 MiB"),
        (Kept(answer(b"", 302, more="Location: /metrics\r\n")), "redirects more than 5 times"),
        (Kept(answer(b"", 302, more="Location: ftp://x/\r\n")), "redirects to something"),
        (saying(b"220 mail ESMTP\r\n"), "answered something that is not HTTP"),
        (hear_and_hang_up, "hung up without an answer"),
        (hang, "no answer from 127.0.0.1"),
        (drips, "began to answer but was not done within 0.3 s"),
        (Kept(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "not HTTP"),
        (Kept(answer(b"node_load1 \xff\xfe\n")), "nothing could be read"),
    ],
)  # fmt: skip
def test_what_is_no_exporter_is_told_in_plain_words(talk, words):
    timeout = 0.3 if talk in (hang, drips) else 5
    seen = read(exporter, talk, timeout=timeout)
    assert seen.error is not None
    assert words in seen.error
    assert seen.metrics == {}


def test_nobody_there():
    async def go(port: int) -> tuple[str | None, str | None]:
        async with open_context() as context:
            return (
                (await exporter(port).read(2, context)).error,
                (await health(port).read(2, context)).error,
            )

    with refused_port() as port:
        words = f"connection refused by 127.0.0.1:{port}"
        assert asyncio.run(go(port)) == (words, words)


def test_it_recovers_on_the_same_source():
    well = Kept(answer(METRICS))
    troubles = [hang_up]

    async def talk(reader, writer) -> None:
        await (troubles.pop() if troubles else well)(reader, writer)

    assert read(exporter, talk, times=2).error is None


def report(system: Any, status: str = "ok") -> bytes:
    body = {"status": status, "uptime": 5, "services": {"database": status}, "system": system}
    return json.dumps(body).encode()


SYSTEM = {
    "memory": {"used": 2048, "total": 8192, "unit": "MB"},
    "cpu": {"usage": 12.5, "cores": 4, "loadAverage": 0.5},
    "disk": {"used": 30, "total": 40, "unit": "GB"},
}


def test_a_health_endpoint_tells_of_the_machine():
    server = Kept(answer(report(SYSTEM), kind="application/json"))
    seen = read(health, server, times=2)
    assert seen.metrics == {
        "system.cpu.usage": 12.5, "system.load.1m": 0.5,
        "system.memory.used": 2.0, "system.memory.total": 8.0, "system.memory.usedPercent": 25.0,
        "system.disk.used": 30.0, "system.disk.total": 40.0, "system.disk.usedPercent": 75.0,
    }  # fmt: skip
    assert seen.facts == {"cores": 4}
    assert seen.check is not None
    assert (seen.check.status, seen.check.uptime_s, seen.check.parts) == (Status.HEALTHY, 5.0, {})
    assert server.connections == 1


@pytest.mark.parametrize(
    ("code", "body", "status"),
    [
        (503, report(SYSTEM, "error"), Status.UNHEALTHY),
        (200, report(SYSTEM, "degraded"), Status.DEGRADED),
        (200, b'{"status": "UP"}', Status.HEALTHY),
        (200, b"<html>", Status.DEGRADED),
        (500, b"", Status.UNHEALTHY),
        (200, b"[" * 100_000, Status.DEGRADED),
    ],
)
def test_its_status_counts(code, body, status):
    seen = read(health, Kept(answer(body, code, "application/json")))
    assert seen.error is None
    assert seen.check is not None
    assert seen.check.status is status


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("cpu", {"usage": float("nan")}, "system.cpu.usage is not a number from 0 to 100"),
        ("cpu", {"usage": -1}, "system.cpu.usage is not a number from 0 to 100"),
        ("cpu", {"usage": "a lot"}, "system.cpu.usage is not a number"),
        ("cpu", [], "system.cpu is not an object"),
        (
            "memory",
            {"used": 9, "total": 8},
            "system.memory.used is more than the total, or that is 0",
        ),
        ("memory", {"used": 1}, "system.memory.total is not a number"),
        (
            "memory",
            {"used": 1, "total": 10**400},
            "system.memory.total is not a number from 0 to 1e+18",
        ),
        (
            "disk",
            {"used": 1, "total": 2, "unit": "acres"},
            "system.disk.unit is none of B, KB, MB, GB, TB",
        ),
    ],
)
def test_bad_numbers_are_left_out_and_named(part, value, reason):
    seen = read(health, Kept(answer(report({**SYSTEM, part: value}), kind="application/json")))
    assert seen.facts["unreadable"] == reason
    assert not any(name.startswith(f"system.{part}.us") for name in seen.metrics)
    assert len(seen.metrics) >= 4


def test_plain_text_where_tls_was_meant():
    async def go() -> str | None:
        async with serving(saying(answer(METRICS))) as port, open_context() as context:
            url = f"https://127.0.0.1:{port}/metrics"
            source = ExporterReader("v", ExporterSource(type="exporter", url=url))
            return (await source.read(3, context)).error

    assert "is it http instead of https?" in (asyncio.run(go()) or "")
