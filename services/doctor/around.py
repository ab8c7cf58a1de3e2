"""What the process works with: Redis, other clocks, the network, mail, SMS, and the process."""

from __future__ import annotations

import json
import socket
import sqlite3
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import redis

from services.doctor.finding import PATIENCE, Finding, State, line
from services.doctor.store import postgres
from services.notify.channels import DeliveryError, smtp, twilio
from services.settings import Settings

#: Seconds by which two clocks may differ.
SKEW = 5.0


def cache(ours: Settings) -> Iterator[Finding]:
    if not ours.redis_url:
        yield Finding("redis", "off", "no REDIS_URL: the cache is in memory")
        return
    try:
        with closing(_redis_client(ours.redis_url)) as client:
            version = client.info("server")["redis_version"]
        yield Finding("redis", "ok", f"Redis {version} answers")
    except (redis.RedisError, OSError) as error:
        text = f"{line(error)}; until it answers the cache is in memory"
        yield Finding("redis", "broken", text)


def _redis_client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)


def clock(ours: Settings) -> Iterator[Finding]:
    """Against whatever else knows the time: the database's server, Redis, our own last sign of
    life, which cannot lie ahead."""
    others: dict[str, float] = {}
    try:
        if ours.database_file is None:
            with postgres(ours) as connection:
                row = connection.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()
                others["the database's server"] = _apart(float(row[0])) if row else 0.0
        elif (last := _last_alive(ours.database_file)) is not None:
            others["our own last sign of life"] = min(0.0, _apart(last))
    except (sqlite3.Error, psycopg.Error):
        pass  # told as the database's fault
    try:
        if ours.redis_url:
            with closing(_redis_client(ours.redis_url)) as client:
                seconds, micros = client.time()
                others["Redis"] = _apart(seconds + micros / 1e6)
    except (redis.RedisError, OSError):
        pass  # told as Redis' fault
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    wrong = {name: apart for name, apart in others.items() if abs(apart) > SKEW}
    for name, apart in wrong.items():
        side = "behind" if apart < 0 else "ahead of"
        text = f"{now} UTC is {abs(apart):.0f} s {side} {name}: run a time service (chrony)"
        yield Finding("clock", "broken", text)
    if not wrong:
        against = f", as {' and '.join(others)}" if others else "; nothing to compare it with"
        yield Finding("clock", "ok", f"{now} UTC{against}")


def _apart(other: float) -> float:
    return time.time() - other


def _last_alive(file: Path) -> float | None:
    if not file.exists():
        return None
    with closing(sqlite3.connect(file, timeout=PATIENCE)) as connection:
        row = connection.execute("SELECT max(at) FROM alive").fetchone()
        return None if row[0] is None else float(row[0])


def network(ours: Settings) -> Iterator[Finding]:
    if not ours.witnesses:
        text = "no WITNESSES: when much fails at once, our own network cannot be told from theirs"
        yield Finding("network", "off", text)
        return
    silent = [f"{one.host}:{one.port}" for one in ours.witnesses if not _reaches(*one)]
    all_of_them = f"{len(ours.witnesses)} witness{'es' * (len(ours.witnesses) > 1)}"
    if not silent:
        yield Finding("network", "ok", f"{all_of_them} answer")
    else:
        state: State = "broken" if len(silent) == len(ours.witnesses) else "warning"
        yield Finding("network", state, f"of {all_of_them} no answer from {', '.join(silent)}")


def _reaches(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError:
        return False
    return True


def mail(ours: Settings) -> Iterator[Finding]:
    """As far as a mail goes without being sent: connection, TLS, login."""
    if ours.smtp_url is None:
        yield Finding("smtp", "off", "no SMTP_URL: nobody is told by e-mail")
        return
    place = f"{ours.smtp_url.host}:{ours.smtp_url.port}"
    try:
        with smtp.session(ours.smtp_url, ssl.create_default_context(), PATIENCE):
            login = " and the login" if ours.smtp_url.user else ""
        yield Finding("smtp", "ok", f"{place} takes us{login}")
    except DeliveryError as error:
        yield Finding("smtp", "broken", f"{place}: {line(error)}")


def sms(ours: Settings) -> Iterator[Finding]:
    """Whether Twilio knows the account. Nothing is sent, so its number is not tried."""
    account = ours.twilio and twilio.Account(*ours.twilio)
    if not account:
        yield Finding("twilio", "off", "no TWILIO_ACCOUNT_SID: nobody is told by SMS")
        return
    try:
        found = twilio.ask(
            account,
            lambda client: client.api.accounts(account.sid).fetch(),
            PATIENCE,
            time.time(),
        )
    except DeliveryError as error:
        yield Finding("twilio", "broken", line(error))
        return
    if found.status != "active":
        yield Finding("twilio", "broken", f"the account is {found.status}")
    elif ours.public_address is None:
        text = "the account is active; without PUBLIC_URL nobody learns whether an SMS arrived"
        yield Finding("twilio", "warning", text)
    else:
        yield Finding("twilio", "ok", "the account is active")


def server(ours: Settings) -> Iterator[Finding]:
    """What the process that should serve says of itself."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(ours.host, ours.host)  # noqa: S104
    url = f"http://{f'[{host}]' if ':' in host else host}:{ours.port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/readyz", timeout=PATIENCE):
            yield Finding("server", "ok", f"answers at {url}{ours.url_prefix} and is ready")
    except urllib.error.HTTPError as error:
        with error:
            yield Finding("server", "broken", f"{url} is not ready: {_reasons(error.read())}")
    except OSError:
        yield Finding("server", "off", f"nothing answers at {url}: it does not run here")


def _reasons(body: bytes) -> str:
    try:
        told = json.loads(body)
        return "; ".join(map(str, told["details"])) or str(told["error"])
    except (ValueError, KeyError, TypeError):
        return "something that is not Healthdeck answers there"
