"""The hub's side of the agents: tokens, reports and commands, on both databases; and the agent
itself against it."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import stat
import threading
import time
import zlib
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from flask import Blueprint, Flask
from sqlalchemy import func, select
from werkzeug.serving import make_server

from models.agents import Agent, AgentStream
from models.audit import AuditRow
from models.targets import HostSample
from services.agent.archive import agent_archive
from services.collect import ledger
from services.collect.actions import QUIET, Actions
from services.collect.agents import AT_ONCE, LATEST, SOONEST, AgentDesk, Busy, Refusals
from services.container import EXTENSION
from services.errors import (
    Conflict,
    InsufficientPermissions,
    InvalidToken,
    NotFound,
    PayloadTooLarge,
    ValidationError,
)
from services.history import write
from services.identity.agent_tokens import AgentTokens, install_command
from services.identity.audit import Actor
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.web import errors
from services.web.rest import agents
from tests.support.agent_hub import AgentProcess
from tests.support.wait import eventually

NOW = 1_700_000_000.0
KEEP = 48 * 3600
STREAM = "6f3d9d0e-0000-4000-8000-000000000001"
OPS = Actor("ops", "10.1.2.3")
FLEET = Fleet.build(
    Inventory.model_validate(
        {
            "vps": [
                {
                    "id": "vps-1",
                    "source": {"type": "agent"},
                    "monitoring": {"interval": 1},
                    "services": [{"name": "api", "type": "backend", "unit": "backend.service"}],
                },
                {"id": "vps-2", "source": {"type": "agent"}},
                {"id": "here", "source": {"type": "local"}},
                {"id": "bare"},
            ]
        }
    ),
    "testhost",
    "cache",
)


def sources():
    return {v.id: v.source.type if v.source else None for v in FLEET.vps.values()}


class Writer:
    """What the intake does with reports, in the thread that asks. ``fails`` makes the
    transaction end before its commit; ``hold`` leaves reports waiting."""

    def __init__(self, database):
        self.database = database
        self.fails = False
        self.hold = False
        self.held = []
        self.reports = []

    def submit_report(self, report):
        future: Future = Future()
        self.reports.append(report)
        if self.hold:
            self.held.append(future)
            return future
        (taken,) = self.store([report])
        future.set_result(taken)
        return future

    def store(self, reports):
        with self.database.write() as session:
            taken = ledger.store(session, reports)
            fresh = [one for each in taken for one in each.observations]
            ids = write.target_ids(session, {one.target for one in fresh})
            write.samples(session, fresh, ids)
            if self.fails:
                raise RuntimeError("the power is gone")
        return taken


class Hub:
    def __init__(self, database, clock=lambda: NOW, commit=0.2):
        self.database = database
        self.tokens = AgentTokens(database, sources)
        self.writer = Writer(database)
        self.actions = Actions(database, lambda: FLEET, clock=clock)
        self.desk = AgentDesk(
            database, lambda: FLEET, self.writer, self.actions, 30, KEEP, clock,
            dice=random.Random(7), commit=commit,
        )  # fmt: skip

    def send(self, *observations, vps="vps-1", **fields):
        return self.desk.report(vps, encoded(*observations, **fields), "")

    def samples(self):
        with self.database.read() as session:
            query = select(HostSample.at, HostSample.cpu).order_by(HostSample.at)
            return [tuple(row) for row in session.execute(query)]


@pytest.fixture
def hub(database):
    return Hub(database)


def reading(seq, at=None, **metrics):
    metrics = metrics or {"system.cpu.usage": 12.5}
    return {"seq": seq, "at": NOW - 1000 + seq if at is None else at, "metrics": metrics}


def encoded(*observations, **fields):
    body = {"agent": "healthdeck-agent/0.1.0", "stream": STREAM, "sentAt": NOW}
    return json.dumps({**body, "observations": list(observations), **fields}).encode()


def cpu(value):
    return {"system.cpu.usage": value}


# Tokens


def test_a_token_opens_until_it_is_replaced_or_revoked(hub):
    first = hub.tokens.enroll("vps-1", OPS)
    assert first.startswith("hda_")
    assert len(first) >= 4 + 43
    assert hub.tokens.authenticate(first) == "vps-1"
    second = hub.tokens.enroll("vps-1", OPS)
    with pytest.raises(InvalidToken, match="replaced or revoked"):
        hub.tokens.authenticate(first)
    assert hub.tokens.authenticate(second) == "vps-1"
    hub.tokens.revoke("vps-1", OPS)
    with pytest.raises(InvalidToken):
        hub.tokens.authenticate(second)
    with pytest.raises(NotFound):
        hub.tokens.revoke("vps-1", OPS)
    with hub.database.read() as session:
        assert session.get(Agent, "vps-1").token_hash not in (first, second)
        rows = session.scalars(select(AuditRow).order_by(AuditRow.id)).all()
        told = [(row.action, row.target, row.who, row.address) for row in rows]
    assert told == [
        (f"agent.{what}", "vps-1", "ops", "10.1.2.3") for what in ("enroll", "enroll", "revoke")
    ]


def test_another_process_learns_of_a_revocation_within_seconds(database):
    steady = [0.0]
    one = AgentTokens(database, sources)
    other = AgentTokens(database, sources, monotonic=lambda: steady[0])
    token = one.enroll("vps-1", OPS)
    assert other.authenticate(token) == "vps-1"
    one.revoke("vps-1", OPS)
    steady[0] = 5.1
    with pytest.raises(InvalidToken):
        other.authenticate(token)


def test_who_cannot_be_enrolled_is_told_why(hub):
    with pytest.raises(NotFound, match="did you mean vps-"):
        hub.tokens.enroll("vps-11", OPS)
    with pytest.raises(Conflict, match=r"source 'local'.*source: \{type: agent\}"):
        hub.tokens.enroll("here", OPS)
    with pytest.raises(Conflict, match="no source"):
        hub.tokens.enroll("bare", OPS)


@pytest.mark.parametrize(
    "token", ["", "hda_", "hda_x", "eyJhbGciOi", "hda_" + "x" * 10_000, "hda_\xff"]
)
def test_what_is_no_token(hub, token):
    with pytest.raises(InvalidToken):
        hub.tokens.authenticate(token)


def test_the_command_for_the_server():
    assert install_command("https://hub.example/", "hda_x") == (
        "curl -fsS https://hub.example/agent.pyz -o agent.pyz && "
        "python3 agent.pyz --hub https://hub.example --token hda_x"
    )


# Reports


def test_a_reading_is_stored_once_however_often_it_comes(hub):
    answer = hub.send(reading(1), reading(2))
    assert (answer["accepted"], answer["duplicates"], answer["rejected"]) == (2, 0, [])
    assert (answer["interval"], answer["serverTime"], answer["commands"]) == (1, NOW, [])
    answer = hub.send(reading(1, **cpu(99)), reading(2, **cpu(99)), reading(7))
    assert (answer["accepted"], answer["duplicates"]) == (7, 2)
    assert hub.samples() == [(NOW - 999, 12.5), (NOW - 998, 12.5), (NOW - 993, 12.5)]
    assert hub.send()["accepted"] == 7
    assert hub.send(stream="another")["accepted"] == 0
    assert hub.send(reading(3), vps="vps-2")["accepted"] == 3


def test_a_transaction_that_fails_takes_the_ledger_with_it(hub):
    hub.writer.fails = True
    with pytest.raises(RuntimeError, match="power"):
        hub.send(reading(1))
    hub.writer.fails = False
    assert hub.samples() == []
    answer = hub.send(reading(1))
    assert (answer["accepted"], answer["duplicates"]) == (1, 0)
    assert len(hub.samples()) == 1


def test_many_reports_of_one_batch(hub):
    """As the intake stores them."""
    reports, hub.writer.hold = hub.writer.reports, True
    for first in (1, 3, 2):
        with pytest.raises(Busy):
            hub.send(reading(first), reading(first + 1))
    taken = hub.writer.store(reports)
    assert [(len(t.observations), t.duplicates, t.accepted) for t in taken] == [
        (2, 0, 2), (2, 0, 4), (0, 2, 4),
    ]  # fmt: skip
    assert [t.duplicates for t in hub.writer.store(reports)] == [2, 2, 2]
    assert len(hub.samples()) == 4


def test_two_processes_that_get_the_same_report_store_it_once(hub):
    hub.send(reading(1))
    writers = [Writer(hub.database) for _ in range(4)]
    together = threading.Barrier(len(writers))
    taken, caught = [], []
    hub.writer.reports.clear()
    reports, hub.writer.hold = hub.writer.reports, True
    for stream in (STREAM, "new-stream"):
        with pytest.raises(Busy):
            hub.send(*(reading(n) for n in range(2, 50)), stream=stream)

    def work(writer):
        together.wait(10)
        try:
            taken.append([len(t.observations) for t in writer.store(reports)])
        except Exception as error:
            caught.append(error)

    threads = [threading.Thread(target=work, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert caught == []
    assert sorted(taken) == [[0, 0]] * 3 + [[48, 48]]


def test_what_an_agent_says_of_itself_is_kept_with_its_readings(hub):
    hub.tokens.enroll("vps-1", OPS)

    def kept():
        with hub.database.read() as session:
            agent = session.get(Agent, "vps-1")
            return agent.version, list(agent.allows)

    hub.send(reading(1), agent="one", allows=["logs:a"])
    assert kept() == ("one", ["logs:a"])
    hub.writer.fails = True
    with pytest.raises(RuntimeError, match="power"):
        hub.send(reading(2), agent="two", allows=[])
    hub.writer.fails = False
    assert kept() == ("one", ["logs:a"])
    hub.send(reading(2), agent="two", allows=[])
    assert kept() == ("two", [])
    Hub(hub.database).send(reading(3), agent="three", allows=[])  # through another process
    hub.send(reading(4), agent="two", allows=[])
    assert kept() == ("two", [])


def test_a_command_of_another_process_is_handed_out_a_little_later(database):
    steady = [0.0]
    hub = Hub(database)
    hub.tokens.enroll("vps-1", OPS)
    hub.send(agent="one", allows=["restart:backend.service"])
    here = Actions(database, lambda: FLEET, clock=lambda: NOW, monotonic=lambda: steady[0])
    assert here.commands("vps-1") == []
    hub.actions.restart("vps-1", "api", OPS)
    assert here.commands("vps-1") == []
    steady[0] += QUIET
    assert len(here.commands("vps-1")) == 1
    assert here.commands("vps-1") == []
    ended = "UPDATE jobs SET state = 'done'"
    with database.write() as session:
        session.connection().exec_driver_sql(ended)
    here.restart("vps-1", "api", OPS)
    assert len(here.commands("vps-1")) == 1, "what is queued here is handed out at once"


def test_streams_that_are_long_gone_are_forgotten(hub):
    hub.send(reading(1))
    with hub.database.write() as session:
        ledger.forget(session, NOW)
        assert session.scalar(select(func.count()).select_from(AgentStream)) == 1
        ledger.forget(session, NOW + 1)
        assert session.scalar(select(func.count()).select_from(AgentStream)) == 0


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (reading(2, **cpu(float("nan"))), "not a number that a machine can have"),
        (reading(2, **cpu(float("inf"))), "not a number that a machine can have"),
        (reading(2, **cpu(10**400)), "not a number that a machine can have"),
        (reading(2, **{"system.disk.used": 1e300}), "not a number that a machine can have"),
        (reading(2, **cpu(-0.1)), "negative"),
        (reading(2, **cpu(100.1)), "more than 100 %"),
        (reading(2, **cpu("12")), "not a number"),
        (reading(2, **cpu(True)), "not a number"),
        (reading(2, **cpu(None)), "not a number"),
        (reading(2, NOW + 61), "in the future"),
        (reading(2, NOW + 365 * 86400), "in the future"),
        (reading(2, NOW - KEEP - 1), "old"),
        (reading(2, float("nan")), "time is not a number"),
        (reading(2, -1e308), "old"),
    ],
)  # fmt: skip
def test_a_wrong_reading_is_refused_by_itself(hub, wrong, reason):
    answer = hub.send(reading(1), wrong, reading(3))
    assert answer["accepted"] == 3
    ((refused),) = answer["rejected"]
    assert refused["seq"] == 2
    assert reason in refused["reason"]
    assert len(hub.samples()) == 2


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b"\xff\xfe", "JSON"),
        (b"[]", "as it should be"),
        (encoded(sentAt=float("nan")), "as it should be"),
        (encoded(sentAt="now"), "as it should be"),
        (encoded(stream="no/stream"), "as it should be"),
        (encoded(stream=None), "as it should be"),
        (encoded({"seq": 0, "at": NOW}), "as it should be"),
        (encoded(more=[[]] * 500_000), "more parts"),
        (encoded({"seq": 2**63, "at": NOW}), "as it should be"),
        (encoded({"seq": 1.5, "at": NOW}), "as it should be"),
        (encoded({"seq": 1, "at": "x"}), "as it should be"),
        (encoded({"seq": 1, "at": NOW, "metrics": []}), "as it should be"),
        (encoded(results=[{"id": "x", "state": "odd"}]), "as it should be"),
        (encoded(*(reading(n) for n in range(501))), "as it should be"),
        (encoded(reading(2), reading(1)), "ascend"),
        (encoded(reading(2), reading(2)), "ascend"),
    ],
)  # fmt: skip
def test_a_malformed_report_stores_nothing(hub, data, what):
    with pytest.raises(ValidationError, match=what):
        hub.desk.report("vps-1", data, "")
    assert hub.samples() == []


def test_a_newer_agent_is_understood(hub):
    new = {**reading(1), "sensors": [1], "metrics": {**cpu(5), "gpu": {"a": 1}, "x": -1}}
    new["facts"] = {"cores": 4, "odd": [1], "far": 10**400, "text": "a\x00b\ud800c", "": 1}
    given = encoded(new, extra={"a": 1})
    reports = hub.writer.reports
    assert hub.desk.report("vps-1", given, "")["accepted"] == 1
    ((_, seen),) = reports[0].readings
    assert dict(seen.facts) == {"cores": 4, "text": "a b c"}
    assert dict(seen.metrics) == cpu(5.0)


def test_gzip_good_bad_and_far_too_much(hub):
    packed = gzip.compress(encoded(reading(1)))
    assert hub.desk.report("vps-1", packed, "gzip")["accepted"] == 1
    for broken in (packed[:-5], packed + b"more", b"no gzip", b""):
        with pytest.raises(ValidationError):
            hub.desk.report("vps-1", broken, "gzip")
    with pytest.raises(ValidationError, match="gzip"):
        hub.desk.report("vps-1", packed, "br")
    bomb = zlib.compressobj(9, wbits=31)
    data = b"".join(bomb.compress(b" " * 2**20) for _ in range(100)) + bomb.flush()
    assert len(data) < 2**20
    with pytest.raises(PayloadTooLarge):
        hub.desk.report("vps-1", data, "gzip")


def test_the_report_of_another_server_is_refused(hub):
    with pytest.raises(InsufficientPermissions, match="another VPS"):
        hub.send(reading(1), vpsId="vps-2")
    for vps in ("here", "bare", "gone"):
        with pytest.raises(InsufficientPermissions, match="type: agent"):
            hub.send(reading(1), vps=vps)
    assert hub.send(reading(1), vpsId="vps-1")["accepted"] == 1


@pytest.mark.parametrize("ahead", [-86400 * 400.0, -2.5, -1.9, 0.0, 1.9, 2.5, 3600.0])
def test_a_clock_that_is_wrong_is_corrected_and_told(hub, ahead):
    reports = hub.writer.reports
    answer = hub.send(reading(1, NOW + ahead - 10), sentAt=NOW + ahead)
    assert answer["rejected"] == []
    ((_, seen),) = reports[0].readings
    if ahead > 2 or ahead < -15:
        assert seen.at == pytest.approx(NOW - 10)
        assert seen.facts["clockSkew"] == ahead
    else:
        assert seen.at == NOW + ahead - 10
        assert "clockSkew" not in seen.facts


def test_a_busy_hub_spreads_those_that_it_sends_away(database):
    """As many as may be in progress wait for the commit; all others are told to come again."""
    hub = Hub(database, commit=30)
    hub.writer.hold = True
    threads = [threading.Thread(target=hub.send, args=(reading(n),)) for n in range(1, AT_ONCE + 1)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(hub.writer.held) == AT_ONCE, 5, "the places are taken")
    waits = []
    for _ in range(1000):
        with pytest.raises(Busy) as caught:
            hub.send(reading(9))
        waits.append(caught.value.retry_after)
    assert set(waits[:20]) <= {2, 3}
    assert set(waits) <= set(range(SOONEST, LATEST + 1))
    assert len(set(waits[-300:])) > 20
    for future in hub.writer.held:
        future.set_result(SimpleNamespace(accepted=1, duplicates=0))
    for thread in threads:
        thread.join(10)
    hub.writer.hold = False
    assert hub.send(reading(20))["accepted"] == 20


def test_the_spread_shrinks_again_when_nobody_was_refused_for_a_while():
    steady = [0.0]
    refusals = Refusals(lambda: steady[0], random.Random(7))
    assert max([refusals.wait() for _ in range(1000)]) == LATEST
    steady[0] = LATEST + 1.0
    assert refusals.wait() in (2, 3)


def test_what_is_not_stored_in_time_is_sent_again(hub):
    hub.writer.hold = True
    with pytest.raises(Busy, match="in time"):
        hub.send(reading(1))
    assert hub.writer.held[0].cancelled()
    hub.writer.hold = False
    assert hub.send(reading(1))["duplicates"] == 0


# The agent itself


@pytest.fixture
def site(database):
    """The route on a real socket, in real time."""
    hub = Hub(database, clock=time.time, commit=1.0)
    app = Flask("hub")
    app.config["MAX_CONTENT_LENGTH"] = 2**20
    app.extensions[EXTENSION] = SimpleNamespace(
        agents=hub.desk, agent_tokens=hub.tokens, actions=hub.actions
    )
    errors.install(app)
    routes = Blueprint("rest", __name__)
    agents.routes.add_to(routes)
    app.register_blueprint(routes)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield SimpleNamespace(hub=hub, url=f"http://127.0.0.1:{server.server_port}", app=app)
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_what_the_door_for_reports_answers(site):
    client = site.app.test_client()
    token = site.hub.tokens.enroll("vps-1", OPS)
    path, own = "/api/agent/v1/report", {"Authorization": f"Bearer {token}"}

    def code(data, headers):
        answer = client.post(path, data=data, headers=headers)
        return answer.status_code, answer.get_json().get("errorCode")

    assert code(b"", {}) == (401, "AUTHENTICATION_REQUIRED")
    assert code(b"", {"Authorization": "Bearer hda_no"}) == (401, "INVALID_TOKEN")
    assert code(b"{", own) == (400, "VALIDATION_ERROR")
    assert code(encoded(vpsId="vps-2"), own) == (403, "INSUFFICIENT_PERMISSIONS")
    assert code(b" " * 10 * 2**20, own) == (413, "PAYLOAD_TOO_LARGE")
    assert code(encoded(), own) == (200, None)
    site.hub.writer.hold = True
    answer = client.post(path, data=encoded(), headers=own)
    assert (answer.status_code, answer.get_json()["errorCode"]) == (503, "UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) in (2, 3)


def test_the_agent_reports_and_carries_out_what_it_is_asked(site, tmp_path):
    hub = site.hub
    folder = tmp_path / "vps"
    folder.mkdir()
    archive = folder / "agent.pyz"
    archive.write_bytes(agent_archive())
    stub = folder / "journalctl"
    stub.write_text('#!/bin/sh\necho "asked: $*"\necho "all is well"\n')
    stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
    token = hub.tokens.enroll("vps-1", OPS)
    agent = AgentProcess(
        archive, site.url, tmp_path / "state", "--allow", "logs:backend.service",
        env={"HEALTHDECK_TOKEN": token, "PATH": f"{folder}:/usr/bin:/bin"},
    ).start()  # fmt: skip
    try:
        eventually(lambda: len(hub.samples()) >= 2, 15, f"readings arrive\n{agent.said()}")
        with pytest.raises(Conflict, match=r"--allow restart:backend\.service"):
            hub.actions.restart("vps-1", "api", OPS)
        asked = hub.actions.logs("vps-1", "api", 50, OPS)
        ended = hub.actions.wait(asked["id"], 15)
        assert ended["state"] == "done", ended
        assert ended["output"].splitlines()[1] == "all is well"
        assert "-u backend.service -n 50" in ended["output"]
        assert ended["exitCode"] == 0
        hub.tokens.revoke("vps-1", OPS)
        agent.says("does not know this agent's token (401)")
        fresh = hub.tokens.enroll("vps-1", OPS)
        assert hub.tokens.authenticate(fresh) == "vps-1"
    finally:
        agent.kill()
    with hub.database.read() as session:
        (row,) = session.scalars(select(AgentStream)).all()
        assert row.vps_id == "vps-1"
    seconds = [at for at, _ in hub.samples()]
    assert all(b > a for a, b in itertools.pairwise(seconds))
