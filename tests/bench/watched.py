"""A fleet for what a browser is to show: servers that report by agent, services that answer.

It costs little: reports of made-up figures from one thread, checks that a listener accepts and
drops. Every server reports and every service is looked at every ``INTERVAL`` seconds.
"""

from __future__ import annotations

import gzip
import json
import math
import socketserver
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager

import httpx

from models.database import Database
from services.identity.agent_tokens import AgentTokens
from services.identity.audit import Actor
from tests.support.product import Healthdeck
from tests.support.wait import eventually

INTERVAL = 30.0
TYPES = ("backend", "frontend", "database", "redis", "smtp")
GIB = 2**30
NAME, PASSWORD = "bench", "a password that is long enough"


@contextmanager
def watched(install: Callable[..., Healthdeck], servers: int) -> Iterator[Healthdeck]:
    """An installation that watches so many ``servers`` with five services each, all of them
    seen; a user can log in."""
    with _Listener(("127.0.0.1", 0), socketserver.BaseRequestHandler) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        ids = [f"vps-{number:04d}" for number in range(1, servers + 1)]
        inventory = _inventory(ids, listener.server_address[1])
        installation = install(inventory, COLLECT_INTERVAL=f"{INTERVAL:g}")
        with closing(Database(installation.env["DATABASE_URL"])) as database:
            database.migrate()
            known = AgentTokens(database, lambda: dict.fromkeys(ids, "agent"))
            tokens = {one: known.enroll(one, Actor("bench")) for one in ids}
        installation.create_user(NAME, PASSWORD)
        installation.start(timeout=120)
        ended = threading.Event()
        reporting = threading.Thread(target=_report, args=(installation.url, tokens, ended))
        reporting.start()
        try:
            with installation.client("admin", "--minutes", "600") as client:
                eventually(lambda: _all_seen(installation.overview(client)), 240, "all seen", 1.0)
            yield installation
        finally:
            ended.set()
            reporting.join()
            listener.shutdown()


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


def _inventory(ids: list[str], port: int) -> str:
    return json.dumps(
        {
            "vps": [
                {
                    "id": one,
                    "region": "nl-west",
                    "source": {"type": "agent"},
                    "tenants": [f"tenant-{number % 30}"],
                    "services": [
                        {"name": type_, "type": type_, "check": {"tcp": f"127.0.0.1:{port}"}}
                        for type_ in TYPES
                    ],
                }
                for number, one in enumerate(ids)
            ],
            "tenants": [
                {"id": f"tenant-{number}", "organizationName": f"Tenant {number}"}
                for number in range(30)
            ],
        }
    )


def _all_seen(overview: Mapping[str, object]) -> bool:
    servers = overview["vps"]
    assert isinstance(servers, list)
    return all(one["status"] != "unknown" for one in servers)


def _report(url: str, tokens: Mapping[str, str], ended: threading.Event) -> None:
    """Each server in turn, so that all have reported once every INTERVAL seconds."""
    streams = {one: str(uuid.uuid4()) for one in tokens}
    number, pause = 0, INTERVAL / max(1, len(tokens))
    began = time.monotonic()
    with httpx.Client(base_url=url, timeout=30, verify=False) as client:
        while not ended.is_set():
            for place, (one, token) in enumerate(tokens.items()):
                due = began + number * INTERVAL + place * pause
                if ended.wait(max(0.0, due - time.monotonic()) if number else 0.0):
                    return
                answer = client.post(
                    "/api/agent/v1/report",
                    content=_batch(one, streams[one], number + 1, place),
                    headers={
                        "Authorization": f"Bearer {token}",
                        "Content-Type": "application/json",
                        "Content-Encoding": "gzip",
                    },
                )
                assert answer.status_code in (200, 503), answer.text
            number += 1
            if number == 1:
                began = time.monotonic() - INTERVAL + pause


def _batch(vps_id: str, stream: str, seq: int, place: int) -> bytes:
    now = time.time()
    metrics = {
        "system.cpu.usage": 35 + 25 * math.sin(now / 7 + place),
        "system.memory.used": 4.2, "system.memory.total": 8.0,
        "system.memory.usedPercent": 52 + 4 * math.sin(now / 90 + place),
        "system.disk.used": 30.0, "system.disk.total": 80.0, "system.disk.usedPercent": 37.5,
        "system.load.1m": 0.8 + 0.4 * math.sin(now / 11 + place),
    }  # fmt: skip
    seen = {"seq": seq, "at": now, "metrics": metrics, "facts": {"cores": 4}, "error": None}
    report = {
        "agent": "healthdeck-agent/0.1.0", "vpsId": vps_id, "stream": stream, "sentAt": now,
        "observations": [seen], "allows": [], "results": [],
    }  # fmt: skip
    return gzip.compress(json.dumps(report).encode())
