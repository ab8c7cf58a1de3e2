"""Entries on a real Redis and in memory: made once, read back, away and back again."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from services.cache import Cache, Kept
from tests.support.stores import RedisServer

BODY = Kept.of({"a": 1})
OTHER = Kept.of({"a": 2})


class Now:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """A look at what is stored, without the cache."""
    client = redis.Redis.from_url(redis_server.url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def cache(client: redis.Redis, redis_server: RedisServer, now: Now) -> Iterator[Cache]:
    cache = Cache(redis_server.url, now)
    yield cache
    cache.close()


def test_an_entry_is_json_under_its_own_key_and_expires_by_itself(
    cache: Cache, client: redis.Redis
) -> None:
    assert cache.once("health:overview", 30, lambda: BODY) == BODY
    stored = client.get("health:overview")
    assert isinstance(stored, bytes)
    head, etag_line, data = stored.partition(b"|")[0], *stored.partition(b"|")[2].split(b"\n", 1)
    assert head.startswith(b'{"ct"')
    assert (etag_line.decode(), data) == (BODY.etag, b'{"a":1}')
    assert 28 <= client.ttl("health:overview") <= 30
    assert client.keys() == [b"health:overview"], "nothing else is left, no lock either"
    found = cache.look("health:overview", 30)
    assert found is not None
    assert found[0] == BODY
    assert 0 <= found[1] < 5


@pytest.mark.parametrize(
    "poison",
    [
        b"", b"garbage", b'{"ct": 1', b"cos\nsystem\n(S'true'\ntR.", b'{"ct": "x", "v": 2}|x',
        b'{"ct": 99999999999, "v": 2}|\x80\x04\x95cposix\nsystem\n',
        b'{"ct": 99999999999, "v": 2}|' + b"0" * 32 + b"\nnot json", b"[]|{}", b"7|8",
    ],
)  # fmt: skip
def test_what_is_nothing_of_ours_is_no_entry(
    cache: Cache, client: redis.Redis, poison: bytes
) -> None:
    client.set("health:overview", poison)
    assert cache.look("health:overview", 30) is None
    assert cache.once("health:overview", 30, lambda: BODY) == BODY
    found = cache.look("health:overview", 30)
    assert found is not None
    assert found[0] == BODY
    assert cache.reachable


def test_a_key_of_another_kind_is_put_right(cache: Cache, client: redis.Redis) -> None:
    client.rpush("health:overview", "a", "list")
    assert cache.look("health:overview", 30) is None
    assert cache.once("health:overview", 30, lambda: BODY) == BODY
    assert client.type("health:overview") == b"string"


@pytest.mark.parametrize("url", ["memory", "redis"])
def test_of_200_who_ask_at_once_one_makes_it(url: str, request: pytest.FixtureRequest) -> None:
    """On Redis they are two processes, as far as the cache can tell."""
    if url == "redis":
        request.getfixturevalue("client")
        server: RedisServer = request.getfixturevalue("redis_server")
        caches = [Cache(server.url), Cache(server.url)]
    else:
        caches = [Cache(None)]
    made: list[int] = []
    begun, go = threading.Barrier(200), threading.Event()

    def make() -> Kept:
        made.append(1)
        go.wait(0.3)  # long enough for everybody to come
        return BODY

    def ask(number: int) -> Kept:
        begun.wait(20)
        return caches[number % len(caches)].once("health:overview", 30, make)

    with ThreadPoolExecutor(200) as threads:
        answers = list(threads.map(ask, range(200)))
    assert answers == [BODY] * 200
    assert len(made) == 1
    for cache in caches:
        cache.close()


def test_who_makes_it_in_vain_says_why_to_all_and_the_next_tries_again(cache: Cache) -> None:
    def fail() -> Kept:
        raise ValueError("no figures")

    with pytest.raises(ValueError, match="no figures"):
        cache.once("health:overview", 30, fail)
    assert cache.reachable
    assert cache.once("health:overview", 30, lambda: BODY) == BODY


def test_killed_and_back(cache: Cache, redis_server: RedisServer, now: Now) -> None:
    cache.once("health:overview", 30, lambda: BODY)
    redis_server.stop()
    found = cache.look("health:overview", 30)
    assert found is not None, "the process has what it made itself"
    assert found[0] == BODY
    assert not cache.reachable
    assert cache.once("health:vps:vps-1", 30, lambda: OTHER) == OTHER
    assert cache.once("health:vps:vps-1", 30, lambda: BODY) == OTHER, "kept in memory meanwhile"
    cache.drop("health:vps:vps-1", 30)
    assert cache.look("health:vps:vps-1", 30) is None
    with pytest.raises(redis.ConnectionError):
        cache.ping()
    generation = cache.generation
    redis_server.start()
    cache.look_again()
    assert not cache.reachable, "too soon after the last look"
    now.at += 3
    cache.look_again()
    assert cache.reachable
    assert cache.generation == generation + 1
    assert cache.look("health:overview", 30) is None, "the new Redis is empty"
    cache.once("health:overview", 30, lambda: OTHER)
    again = Cache(redis_server.url)
    found = again.look("health:overview", 30)
    assert found is not None
    assert found[0] == OTHER
    again.close()


def test_a_redis_that_hangs_is_waited_for_once(cache: Cache, redis_server: RedisServer) -> None:
    cache.once("health:overview", 30, lambda: BODY)
    process = redis_server._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    try:
        cache.look("health:overview", 30)
        assert not cache.reachable
        began = time.monotonic()
        for _ in range(1000):
            assert cache.look("health:overview", 30)
        assert time.monotonic() - began < 0.5, "shorter than one timeout"
    finally:
        process.send_signal(signal.SIGCONT)


def test_killed_while_somebody_makes_an_entry(cache: Cache, redis_server: RedisServer) -> None:
    def make() -> Kept:
        redis_server.stop()
        return BODY

    assert cache.once("health:overview", 30, make) == BODY
    found = cache.look("health:overview", 30)
    assert found is not None
    assert found[0] == BODY


def test_a_redis_that_was_never_there(now: Now) -> None:
    cache = Cache("redis://127.0.0.1:1/0", now)
    assert cache.once("health:overview", 30, lambda: BODY) == BODY
    assert cache.look("health:overview", 30)
    assert not cache.reachable
    cache.close()
