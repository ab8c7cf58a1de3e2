"""The fleet as it runs: a plan with sockets."""

from __future__ import annotations

import datetime
import random
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fleet import bodies, dns
from tests.fleet.datagrams import Datagrams
from tests.fleet.endpoint import Endpoint, Gauge
from tests.fleet.http import Answer, HttpSession, Request, Site, exporter_site, health_site
from tests.fleet.http import page_site as page
from tests.fleet.life import Life
from tests.fleet.plan import SOURCE, WITNESS, Plan, ServicePlan, VpsPlan
from tests.fleet.postgres import PostgresSession
from tests.fleet.redis import RedisSession
from tests.fleet.s3 import s3_site
from tests.fleet.session import Session, Silent, Trouble
from tests.fleet.smtp import SmtpSession

if TYPE_CHECKING:
    from tests.fleet.certificates import Certificates

WITNESS_KEY = "{}#witness"
_SECURE = ("tls", "https", "smtp-starttls")


class TooManySockets(Exception):
    """This process may not open as many files as the fleet has listeners; says what to do."""


class Simulation:
    """``endpoints`` under the keys of targets, ``lives`` under the ids of servers.

    ``latency``: services take the time that their server's load makes them take. ``lossy``: the
    share of probes that are lost, never two of a service in a row. ``wall``: seconds since the
    epoch.
    """

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        latency: bool = True,
        lossy: float = 0.0,
        cores: int | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.plan = plan
        self.gauge = Gauge()
        self.wall = wall
        self.lives = {vps.id: Life(vps.id, plan.seed, cores) for vps in plan.vps}
        self.silent: set[str] = set()
        self.certificates = self._certificates(folder)
        self._latency = latency
        self._lossy = lossy
        self._begun = time.monotonic(), time.process_time()
        self.endpoints: dict[str, Endpoint | Datagrams] = {}
        self.on_vps: dict[str, list[str]] = {vps.id: [] for vps in plan.vps}
        for vps in plan.vps:
            self._add_vps(vps)
        for tenant in plan.tenants:
            for app in tenant.apps:
                delay = self._delay(tenant.vps, 30.0)
                session = partial(HttpSession, page)
                self._add(
                    tenant.vps,
                    Endpoint(app.key, app.address, app.port, session, self.gauge, delay),
                )

    @property
    def ca(self) -> Path | None:
        """The file that who speaks TLS with the fleet must trust."""
        return self.certificates.ca if self.certificates else None

    def start(self) -> None:
        """Listens everywhere. Raises OSError when a port is taken, TooManySockets."""
        _allow(len(self.endpoints) * 2 + 500)
        try:
            for endpoint in self.endpoints.values():
                endpoint.open()
        except OSError:
            self.stop()
            raise

    def stop(self) -> None:
        for endpoint in self.endpoints.values():
            endpoint.close()

    def stats(self) -> dict[str, float | int]:
        began, used = self._begun
        gauge = self.gauge
        return {
            "requests": gauge.requests,
            "connections": gauge.connections,
            "lost": gauge.lost,
            "open": gauge.open,
            "listening": gauge.listening,
            "peakOpen": gauge.peak,
            "cpuSeconds": round(time.process_time() - used, 3),
            "seconds": round(time.monotonic() - began, 3),
            "maxRssMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }

    def _certificates(self, folder: Path) -> Certificates | None:
        addresses = [s.address for s in self.plan.services() if s.part.speaks in _SECURE]
        if not addresses:
            return None
        from tests.fleet.certificates import Certificates  # costs 60 ms, and few need it

        return Certificates(folder, addresses, datetime.datetime.now(datetime.UTC))

    def _add(self, vps_id: str, endpoint: Endpoint | Datagrams) -> None:
        self.endpoints[endpoint.key] = endpoint
        self.on_vps[vps_id].append(endpoint.key)
        if self._lossy and endpoint.speaks != "tcp":
            endpoint.loses = _lottery(self._lossy, self.plan.seed, endpoint.key)

    def _add_vps(self, vps: VpsPlan) -> None:
        life, address = self.lives[vps.id], vps.address
        sites: dict[str | None, Site] = {
            "exporter": exporter_site(life, self.wall),
            "health": health_site(life, "context", ("postgres", "redis"), self.wall),
        }
        if (site := sites.get(vps.source)) is not None:
            session = partial(HttpSession, site)
            source = Endpoint(vps.id, address, vps.port_base + SOURCE, session, self.gauge)
            source.speaks = "context" if vps.source == "health" else "exporter"
            self._add(vps.id, source)
        witness = WITNESS_KEY.format(vps.id)
        place = vps.port_base + WITNESS
        self._add(vps.id, Endpoint(witness, address, place, Silent, self.gauge, speaks="tcp"))
        for service in vps.services:
            self._add(vps.id, self._service(vps, service, life))

    def _service(self, vps: VpsPlan, service: ServicePlan, life: Life) -> Endpoint | Datagrams:
        speaks = service.part.speaks
        if speaks == "dns":
            return Datagrams(service.key, service.address, service.port, dns.answer, self.gauge)
        made = Endpoint(
            service.key,
            service.address,
            service.port,
            self._converse(service, life),
            self.gauge,
            self._delay(vps.id, service.part.base_ms),
            speaks=speaks,
            once=speaks in ("redis", "postgres", "smtp", "smtp-starttls"),
        )
        if self.certificates and speaks in _SECURE:
            context = partial(self.certificates.context, service.key, service.address)
            if speaks == "smtp-starttls":
                made.starttls, made.secured = context, partial(SmtpSession, True, True)
            else:
                made.tls = context
        return made

    def _converse(self, service: ServicePlan, life: Life) -> Callable[[], Session]:
        speaks = service.part.speaks
        if speaks in bodies.FORMATS:
            site = health_site(life, speaks, service.part.depends_on, self.wall)
            return partial(HttpSession, site)
        sessions: dict[str, Callable[[], Session]] = {
            "page": partial(HttpSession, page),
            "tls": partial(HttpSession, _welcome),
            "s3": partial(HttpSession, s3_site(self.wall)),
            "redis": partial(RedisSession, partial(_redis_info, life, self.wall)),
            "postgres": PostgresSession,
            "smtp": SmtpSession,
            "smtp-starttls": partial(SmtpSession, True),
            "tcp": Silent,
        }
        return sessions[speaks]

    def _delay(self, vps_id: str, base_ms: float) -> Callable[[], float] | None:
        if not self._latency:
            return None
        life, wall = self.lives[vps_id], self.wall
        return lambda: life.latency_ms(base_ms, wall()) / 1000


def _welcome(_request: Request, _trouble: Trouble | None) -> Answer:
    return Answer(200, "text/plain", b"gateway\n")


def _redis_info(life: Life, wall: Callable[[], float]) -> dict[str, int]:
    at = wall()
    return {
        "uptime_in_seconds": int(life.since_deploy(at)),
        "connected_clients": 12 + int(40 * life.cpu(at)),
        "used_memory": int(0.08 * life.memory_total * life.memory(at)),
        "maxmemory": int(0.25 * life.memory_total),
    }


def _lottery(share: float, seed: int, key: str) -> Callable[[], bool]:
    """Whether each probe in turn is lost."""
    rng, before = random.Random(f"{seed}:lossy:{key}"), False

    def lost() -> bool:
        nonlocal before
        before = not before and rng.random() < share
        return before

    return lost


def _allow(files: int) -> None:
    """Raises this process' limit of open files as far as that takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= files:
        return
    if hard != resource.RLIM_INFINITY and hard < files:
        raise TooManySockets(
            f"this fleet needs {files} open files and the limit is {hard}; "
            f"raise it (ulimit -Hn {files}) or play fewer servers"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
