"""The server as a process: how it starts, how it ends, what it does under signals."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
import websocket

from services.web.stream.limits import SPARE
from tests.conftest import Installs
from tests.support.nursery import nursery
from tests.support.small_server import PLACES
from tests.support.stream import PATH, Listening, Raw
from tests.support.wait import eventually, free_port, stays


class Small:
    """A server over a small application."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "output.log"
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self, how: str = "well") -> subprocess.Popen[bytes]:
        words = ["-m", "tests.support.small_server", str(self.port), how]
        with self._log.open("wb") as log, Path(os.devnull).open("rb") as nothing:
            self.process = nursery().start(words, os.environ, nothing, log, log)
        return self.process

    def start(self) -> subprocess.Popen[bytes]:
        process = self.launch()
        eventually(lambda: "is running at" in self.output(), 20, "the server starts")
        return process

    def output(self) -> str:
        return self._log.read_text()

    def worker(self) -> int:
        """The pid of the worker, asked of itself."""
        return int(httpx.get(self.url, timeout=5).text)

    def end(self) -> None:
        if self.process is not None:
            for one in _family(self.process.pid):
                one.kill()
            self.process.wait(10)


def _family(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        return []


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    server = Small(tmp_path)
    yield server
    server.end()


def ends(process: subprocess.Popen[bytes], within: float) -> int:
    """The exit code; fails when the process is not gone in time, or leaves children behind."""
    children = _family(process.pid)
    code = process.wait(within)
    assert psutil.wait_procs(children, timeout=2)[1] == []
    return code


# Starting


def test_it_says_where_it_is_once_it_answers(small: Small) -> None:
    process = small.start()
    assert small.url in small.output()
    assert small.worker() != process.pid
    assert "Traceback" not in small.output()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("broken", "ValueError: this bug is in the log"),
        ("misconfigured", "write REDIS_URL"),
        ("vanished", "ended while it was starting"),
    ],
)
def test_a_start_that_fails_is_not_tried_again(small: Small, how: str, words: str) -> None:
    process = small.launch(how)
    assert ends(process, 20) == 1
    said = small.output()
    assert said.count(words) == 1
    assert ("Traceback" in said) == (how == "broken")


def test_a_start_can_be_interrupted(small: Small) -> None:
    process = small.launch("endless")
    eventually(lambda: "starting" in small.output(), 20, "it starts")
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    assert ends(process, 2) == 0
    assert small.output() == "starting\n"


# Ending


def test_fifty_websockets_do_not_delay_the_end(healthdeck: Installs) -> None:
    product = healthdeck().start()
    assert product.process is not None
    token = product.token()
    with ThreadPoolExecutor(10) as pool:
        clients = list(pool.map(lambda _: Listening(product.url, token), range(50)))
    polling = Listening(product.url, token, transports=("polling",))
    assert [client.refused for client in [*clients, polling] if not client.connected] == []
    family = _family(product.process.pid)
    assert product.stop() < 5
    assert product.process.returncode == 0
    assert all(client.gone.wait(5) for client in [*clients, polling])
    assert psutil.wait_procs(family, timeout=2)[1] == []
    assert "Traceback" not in product.output()
    for client in clients:
        client.close()


@pytest.mark.parametrize(
    ("sig", "whom"),
    [
        (signal.SIGTERM, "group"),  # a service manager's stop
        (signal.SIGINT, "group"),  # Ctrl+C in a terminal
        (signal.SIGINT, "master"),
        (signal.SIGHUP, "group"),  # the terminal is closed
    ],
)
def test_a_signal_ends_it_in_good_order(small: Small, sig: int, whom: str) -> None:
    process = small.start()
    if whom == "group":
        os.killpg(process.pid, sig)
    else:
        process.send_signal(sig)
    assert ends(process, 5) == 0
    assert small.output().count("stopped") == 1
    assert "Traceback" not in small.output()


def test_a_request_under_way_is_answered(small: Small) -> None:
    process = small.start()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(httpx.get, f"{small.url}/half-a-second", timeout=10)
        assert httpx.get(f"{small.url}/entered", timeout=10).text == "True"
        process.send_signal(signal.SIGTERM)
        assert answer.result(10).text == "done"
    assert ends(process, 5) == 0


def test_a_request_without_end_is_cut_off(small: Small) -> None:
    process = small.start()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(httpx.get, f"{small.url}/hang", timeout=10)
        assert httpx.get(f"{small.url}/entered", timeout=10).text == "True"
        process.send_signal(signal.SIGTERM)
        assert ends(process, 5) == 0
        assert isinstance(answer.exception(10), httpx.TransportError)
    assert "stopped" in small.output()


def test_a_second_signal_does_not_wait(small: Small) -> None:
    process = small.start()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(httpx.get, f"{small.url}/hang", timeout=10)
        assert httpx.get(f"{small.url}/entered", timeout=10).text == "True"
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        stays(lambda: process.poll() is None, 0.4, "it waits for the request")
        process.send_signal(signal.SIGTERM)
        assert ends(process, 5) == 0
        assert time.monotonic() - began < 1.8
        answer.exception(10)


def test_a_client_that_does_not_answer_the_goodbye_is_cut_off(small: Small) -> None:
    process = small.start()
    deaf = [Raw(small.url, "a token") for _ in range(PLACES)]
    process.send_signal(signal.SIGTERM)
    assert ends(process, 5) == 0
    assert all(client.closed(5) for client in deaf)
    for client in deaf:
        client.close()


# Running


def test_a_worker_that_dies_is_replaced(small: Small) -> None:
    small.start()
    first = small.worker()
    os.kill(first, signal.SIGKILL)
    second = eventually(small.worker, 15, "another worker answers")
    assert second != first


def test_without_its_master_a_worker_leaves(small: Small) -> None:
    process = small.start()
    worker = psutil.Process(small.worker())
    process.kill()
    process.wait(5)
    worker.wait(8)
    assert "stopped" in small.output()


def test_signals_that_would_add_workers_are_not_taken(small: Small) -> None:
    process = small.start()
    handled = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(next(line for line in handled.splitlines() if "SigCgt" in line).split()[1], 16)
    for sig in (signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR2):
        assert not caught >> (sig - 1) & 1


def test_a_crowd_on_the_stream_leaves_threads_for_pages(small: Small) -> None:
    small.start()
    address = f"{small.url.replace('http', 'ws', 1)}/{PATH}/?EIO=4&transport=websocket"
    strangers: list[websocket.WebSocket] = []
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        strangers.extend(
            websocket.create_connection(address, timeout=5) for _ in range(PLACES + SPARE + 1)
        )
    assert len(strangers) == PLACES + SPARE
    assert refused.value.status_code == 503
    assert b"too many connections" in (refused.value.resp_body or b"")
    assert small.worker()
    for stranger in strangers:
        stranger.close(timeout=0)
    eventually(
        lambda: Listening(small.url, "a token").connected, 10, "the places are given away again"
    )
