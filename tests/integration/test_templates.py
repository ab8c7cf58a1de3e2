"""Stored templates in processes of their own: bombs, kills, crowds, and a message every time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from models.alerts import AlertRow
from models.audit import AuditRow
from models.database import Database
from models.templates import TemplateRow
from services.errors import NotFound, Unavailable, ValidationError
from services.identity.audit import Actor
from services.notify.channels import Message
from services.notify.templates import examples
from services.notify.templates.desk import Templates
from services.notify.templates.parts import EVENTS, PARTS, Rendered
from services.notify.templates.pool import LIMIT, Workers
from services.notify.templates.variables import Surroundings
from services.notify.templates.worker import MEMORY
from tests.support.wait import eventually

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_763_601_960.0
BODY = examples.example("alert.fired", NOW)
ALICE = Actor("alice", "10.0.0.1")
#: Patience with a loaded machine; what is refused is refused within LIMIT.
PATIENT = 30.0
MiB = 1024 * 1024
#: Seconds beyond LIMIT that a loaded machine may need to say no.
SLACK = 10.0
ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
BOMBS = {
    "a long text": "{{ 'a' * 10 ** 9 }}",
    "a wide number": "{{ '%1000000000d' % 1 }}",
    "doubling": "{% set x = 'aaaaaaaa' %}" + "{% set x = x ~ x %}" * 40 + "{{ x }}",
    "doubling a list": "{% set x = [1] %}" + "{% set x = x + x %}" * 40 + "{{ x|length }}",
    "joining": "{{ range(99999)|join('x' * 100000) }}",
    "replacing": "{{ ('a' * 10000)|replace('a', 'b' * 1000000) }}",
    "indenting": "{{ 'a\nb'|indent(10 ** 9) }}",
    "batches": "{{ range(99999)|batch(10 ** 9, 'a')|list }}",
    "a huge power": "{{ (alert.occurrences + 9) ** (10 ** 8) }}",
    "nested loops": ENDLESS,
    "loops that write": ENDLESS.replace(" %}{% endfor", " %}" + "x" * 40 + "{% endfor", 1),
    "macros that fork": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}"
    "{% endmacro %}{{ m(60) }}",
    "a macro without end": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "deep nesting": "{{ " + "[" * 4000 + "]" * 4000 + " }}",
    "a range": "{{ range(10 ** 9)|length }}",
}


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Database]:
    """For what does not depend on the kind of database."""
    database = Database(f"sqlite:///{tmp_path}/local.db")
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def templates(local: Database) -> Iterator[Templates]:
    made = Templates(local, Surroundings(), lambda: NOW, PATIENT)
    yield made
    made.close()


@pytest.fixture
def stored(database: Database) -> Iterator[Templates]:
    """On each kind of database."""
    made = Templates(database, Surroundings(), lambda: NOW, PATIENT)
    yield made
    made.close()


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers(1, PATIENT)
    yield made
    made.close()


def resident(pid: int | str = "self") -> int:
    """Bytes of memory that a process holds."""
    status = Path(f"/proc/{pid}/statm").read_text(encoding="ascii")
    return int(status.split()[1]) * os.sysconf("SC_PAGE_SIZE")


def worked(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def store(
    database: Database, event: str = "alert.fired", channel: str = "sms", **parts: str
) -> None:
    """A template as it would be if saving had let it through."""
    with database.write() as session:
        session.merge(
            TemplateRow(channel=channel, event=event, parts=parts, updated_at=NOW, updated_by="x")
        )


def refused(templates: Templates, source: str) -> list[Any]:
    with pytest.raises(ValidationError) as caught:
        templates.preview("sms", "alert.fired", {"text": source})
    return caught.value.details


def test_bombs_are_refused_in_time_and_memory_stays_flat(local: Database) -> None:
    templates = Templates(local, clock=lambda: NOW)
    refused(templates, "{{ alert.titel }}")
    before = resident()
    for name, bomb in BOMBS.items():
        began = time.monotonic()
        (problem,) = refused(templates, bomb)
        assert time.monotonic() - began < LIMIT + SLACK, name
        assert problem["field"] == "text", name
        assert resident() - before < 16 * MiB, name
    templates.close()


def test_bombs_that_were_stored_cost_no_message(local: Database) -> None:
    """As after a limit became stricter, or a body that nobody thought of."""
    templates = Templates(local, clock=lambda: NOW)
    default = templates.render("sms", "alert.fired", BODY, "Ops")
    for name in ("a long text", "nested loops", "a macro without end"):
        store(local, text=BOMBS[name])
        sent = templates.render("sms", "alert.fired", BODY, "Ops")
        assert (sent.text, name) == (default.text, name)
        assert "the default was sent" in sent.note
        assert "alert.fired failed (text" in sent.note
    templates.close()


def test_a_process_has_little_memory_and_no_secrets(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "s" * 40)
    assert workers.render({"text": "{{ 'ab'|wordwrap(1) }}"}, [{}]) == {"text": "a\nb"}
    (pid,) = workers.pids()
    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert {entry.partition(b"=")[0] for entry in environment} - {b""} == {b"PYTHONPATH"}
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    limit = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
    assert limit["Max open files"] == ["0", "0"]
    assert limit["Max core file size"] == ["0", "0"]
    address_space = {int(text) for text in limit["Max address space"]}
    assert max(address_space) < 256 * MiB + MEMORY
    assert len(list(Path(f"/proc/{pid}/fd").iterdir())) == 3


def test_a_process_that_was_short_of_memory_is_replaced(workers: Workers) -> None:
    workers.render({"text": "a"}, [{}])
    (first,) = workers.pids()
    with pytest.raises(Exception, match="more memory"):
        workers.render({"text": "{{ 'a' * 10 ** 9 }}"}, [{}])
    (second,) = workers.pids()
    assert second != first
    assert workers.render({"text": "{{ x }}"}, [{"x": 1}]) == {"text": "1"}
    assert workers.pids() == [second]


def test_a_process_that_is_killed_while_it_waits_is_replaced(workers: Workers) -> None:
    workers.render({"text": "a"}, [{}])
    (pid,) = workers.pids()
    os.kill(pid, signal.SIGKILL)
    assert workers.render({"text": "{{ x }}"}, [{"x": 1}]) == {"text": "1"}
    assert workers.pids() != [pid]


def test_a_process_that_is_killed_while_it_renders_costs_no_message(
    local: Database, templates: Templates
) -> None:
    """Killed once the message is rendered by another; killed always it goes out as the default."""
    store(local, text="{{ alert.title }}")
    assert templates.render("sms", "alert.fired", BODY, "Ops").text == BODY["title"]
    (pid,) = templates.sending.pids()
    # Long enough to be hit, short enough to be done by the second.
    slow = "{% for a in range(300) %}{% for b in range(10000) %}{% endfor %}{% endfor %}own"
    store(local, text=slow)
    killed = threading.Thread(target=_kill_at_work, args=(pid,))
    killed.start()
    sent = templates.render("sms", "alert.fired", BODY, "Ops")
    killed.join()
    assert (sent.text, sent.note) == ("own", "")
    assert pid not in templates.sending.pids()

    store(local, text=ENDLESS)
    over = threading.Event()
    killer = threading.Thread(target=_kill_all, args=(templates.sending, over))
    killer.start()
    sent = templates.render("sms", "alert.fired", BODY, "Ops")
    over.set()
    killer.join()
    assert sent.text.startswith("CRITICAL: postgres on vps-1 is unhealthy since")
    assert "it ended the process that renders it" in sent.note


def _kill_at_work(pid: int) -> None:
    before = worked(pid)
    eventually(lambda: worked(pid) > before + 0.02, 60, "the process is at work", every=0.005)
    os.kill(pid, signal.SIGKILL)


def _kill_all(workers: Workers, over: threading.Event) -> None:
    while not over.wait(0.05):
        for pid in workers.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_a_process_whose_parent_died_while_it_rendered_ends_by_itself() -> None:
    code = f"""
import threading
from services.notify.templates.parts import EVENTS, PARTS
from services.notify.templates.pool import Workers
workers = Workers(1)
workers.render({{"text": "a"}}, [{{}}])
print(workers.pids()[0], flush=True)
workers.render({{"text": {ENDLESS!r}}}, [{{}}])
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        before = worked(pid)
        eventually(lambda: worked(pid) > before, 30, "it renders", every=0.005)
        parent.kill()
    eventually(lambda: _gone(pid), 30, "the alarm ends it")


def _gone(pid: int) -> bool:
    """Also when nobody has asked yet how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2][1] == "Z"
    except FileNotFoundError:
        return True


def test_eight_threads_render_at_once(local: Database, templates: Templates) -> None:
    store(local, channel="email", subject="{{ contact.name }}: {{ alert.title }}")

    def one(number: int) -> tuple[str, str]:
        body = BODY | {"title": f"trouble {number}"}
        sent = templates.render("email", "alert.fired", body, f"Ops {number}")
        return sent.subject, sent.note

    with ThreadPoolExecutor(8) as threads:
        sent = list(threads.map(one, range(400)))
    assert sent == [(f"Ops {number}: trouble {number}", "") for number in range(400)]
    pids = templates.sending.pids()
    assert len(pids) == 2
    templates.close()
    assert all(not Path(f"/proc/{pid}").exists() for pid in pids)


def test_who_tries_bombs_out_keeps_no_message_waiting(
    local: Database, templates: Templates
) -> None:
    store(local, text="{{ alert.title }}!")
    templates.render("sms", "alert.fired", BODY, "Ops")
    with ThreadPoolExecutor(1) as thread:
        trying = thread.submit(templates.preview, "sms", "alert.fired", {"text": ENDLESS})
        eventually(lambda: templates.trying.pids(), 30, "somebody tries a bomb out")
        for _ in range(20):
            assert templates.render("sms", "alert.fired", BODY, "Ops").note == ""
        assert not trying.done()
        templates.trying.close()
        assert isinstance(trying.exception(60), ValidationError | Unavailable)


def test_a_template_is_saved_used_and_reset(database: Database, stored: Templates) -> None:
    default = stored.render("email", "alert.fired", BODY, "Ops")
    saved = stored.save("email", "alert.fired", {"subject": "Hi {{ alert.title }}"}, ALICE)
    assert (saved.edited, saved.by, saved.at) == (True, "alice", NOW)
    sent = stored.render("email", "alert.fired", BODY, "Ops")
    assert sent.subject == "Hi postgres on vps-1 is unhealthy"
    assert (sent.text, sent.html, sent.note) == (default.text, default.html, "")
    other = stored.render("email", "alert.resolved", BODY, "Ops")
    assert other.subject.startswith("RESOLVED")
    (edited,) = [entry for entry in stored.all() if entry.edited]
    assert edited == saved
    stored.reset("email", "alert.fired", ALICE)
    stored.reset("email", "alert.fired", ALICE)
    assert stored.render("email", "alert.fired", BODY, "Ops") == default
    assert [entry for entry in stored.all() if entry.edited] == []
    with database.read() as session:
        rows = session.execute(
            select(AuditRow.who, AuditRow.action, AuditRow.target, AuditRow.detail)
        ).all()
    detail = {"parts": {"subject": "Hi {{ alert.title }}"}}
    assert [tuple(row) for row in rows] == [
        ("alice", "template.change", "email/alert.fired", detail),
        ("alice", "template.reset", "email/alert.fired", detail),
    ]


def test_a_channel_has_its_words_from_here(templates: Templates) -> None:
    message = Message("n1", "a1", "alert.resolved", "Ops", BODY)
    assert templates.words("sms")(message) == templates.render("sms", "alert.resolved", BODY, "Ops")


def test_what_says_the_same_as_the_default_is_not_edited(stored: Templates) -> None:
    (entry,) = [e for e in stored.all() if (e.channel, e.event) == ("sms", "test")]
    stored.save("sms", "test", {"text": "own"}, ALICE)
    assert not stored.save("sms", "test", dict(entry.default), ALICE).edited
    assert [e for e in stored.all() if e.edited] == []


def test_what_cannot_be_is_refused_and_changes_nothing(
    database: Database, stored: Templates
) -> None:
    for parts, problem in (
        ({"text": "a\n{{ alert.titel }}"}, "text, line 2: there is no 'alert.titel'"),
        ({"text": "{% if %}"}, "text, line 1: expected an expression"),
        ({"subject": "a"}, "sms has no subject, only text"),
        ({"text": "ä" * 9000}, "at most 16 KiB"),
        ({"text": "a\x00b"}, "no text"),
        ({"text": "\ud800"}, "no text"),
        ({"text": "{{ alert.runbook }}"}, "there is no 'alert.runbook'"),
        # Fine for the example, but not every alert has a service.
        ({"text": "{{ alert.serviceName ~ 'a' }}{{ alert.serviceName.upper()}}"}, "line 1"),
    ):
        with pytest.raises(ValidationError) as caught:
            stored.save("sms", "alert.fired", parts, ALICE)
        assert problem in caught.value.message, parts
        assert caught.value.details, parts
    for channel, event in (("webhook", "test"), ("fax", "test"), ("sms", "alert.odd")):
        with pytest.raises(NotFound, match=", "):
            stored.save(channel, event, {"text": "a"}, ALICE)
    with database.read() as session:
        assert session.scalars(select(TemplateRow)).all() == []
        assert session.scalars(select(AuditRow)).all() == []


def test_a_preview_shows_an_alert(database: Database, stored: Templates) -> None:
    with database.write() as session:
        session.add(
            AlertRow(
                id="a1", fingerprint="f", rule_id="r", rule_name="R", target="vps-9",
                vps_id="vps-9", severity="warning", status="active", title="CPU of vps-9 at 96 %",
                message="Above 80 %.", value=96.0, threshold=80.0, expected=None,
                triggered_at=NOW, impact=["tenant-acme"],
            )
        )  # fmt: skip
    shown = stored.preview("sms", "alert.fired", {"text": "{{ alert.title }}"}, "a1")
    assert shown.text == "CPU of vps-9 at 96 %"
    assert "CPU of vps-9" in stored.preview("email", "alert.fired", None, "a1").html
    assert stored.preview("sms", "alert.fired", {"text": "{{ contact.name }}"}).text == "Ops"
    with pytest.raises(NotFound, match="no alert 'a2'"):
        stored.preview("sms", "alert.fired", None, "a2")


@pytest.mark.parametrize("channel", [*PARTS, "webhook", "fax"])
def test_there_is_always_a_message(templates: Templates, channel: str) -> None:
    odd: list[Any] = [
        {},
        {"title": 5, "impact": None},
        {"impact": 7},
        {"alerts": []},
        {"alerts": [None]},
        {"triggeredAt": "soon", "title": "x" * 10**6, "message": "\ud800"},
    ]
    for body in odd:
        for event in (*EVENTS, "alert.reminder"):
            message = templates.render(channel, event, body, "Ops")
            assert len(message.subject + message.title) <= 500


def test_what_has_no_template_is_told_as_it_is(templates: Templates) -> None:
    """A notice of trouble on the dashboard keeps its own words."""
    body = {"title": "Ops cannot be reached", "message": "10 were refused.", "severity": "warning"}
    assert templates.render("inApp", "channel.troubled", body, "everyone") == Rendered(
        title=body["title"], text=body["message"]
    )


def test_a_database_that_is_gone_costs_no_message(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/none/test.db")
    templates = Templates(database, clock=lambda: NOW)
    sent = templates.render("sms", "alert.fired", BODY, "Ops")
    assert sent.text.startswith("CRITICAL: postgres on vps-1")
    assert "could not be had (OperationalError): the default was sent" in sent.note
    templates.close()
    database.close()


def test_names_that_the_installation_cannot_give_cost_no_message(local: Database) -> None:
    def fails(_: str) -> str:
        raise RuntimeError("the fleet is being replaced")

    templates = Templates(local, Surroundings(tenant_name=fails), lambda: NOW)
    sent = templates.render("email", "alert.fired", BODY, "Ops")
    assert (sent.subject, sent.text) == (BODY["title"], BODY["message"])
    assert "could not be written as usual" in sent.note
    templates.close()


def test_after_the_end_the_default_is_sent(local: Database, templates: Templates) -> None:
    store(local, text="own")
    assert templates.render("sms", "alert.fired", BODY, "Ops").text == "own"
    pids = templates.sending.pids()
    templates.close()
    assert templates.sending.pids() == []
    assert all(_gone(pid) for pid in pids)
    with local.write() as session:
        session.execute(update(TemplateRow).values(parts={"text": "other"}))
    sent = templates.render("sms", "alert.fired", BODY, "Ops")
    assert sent.text.startswith("CRITICAL")
    assert "the default was sent" in sent.note
