"""The channel email against a real mail server on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from models.alerts import AlertRow
from models.database import Database
from services.channel_values import MailServer
from services.doctor import around
from services.inventory.schema import Contact
from services.notify import outbox
from services.notify.batching import WINDOW
from services.notify.channels import DeliveryError, Message, Words
from services.notify.channels.email import Email
from services.notify.directory import Directory
from services.notify.outbound import LIMIT
from services.notify.pipeline import Pipeline
from services.notify.retry import FIRST_DELAY
from services.notify.templates.parts import Rendered
from services.rule import Channel, NotificationPlan, Severity
from services.settings import Settings
from tests.support.check_peers import Authority, refused_port
from tests.support.mail_server import FROM, Post, read, talking
from tests.support.notify_words import default_words

NOW = 1_763_634_600.0
OPS = Contact(name="Ops", email="ops@example.com")
WORDS = default_words("email")
BODY: dict[str, Any] = {
    "severity": "critical",
    "title": "postgres on vps-1 is unhealthy",
    "message": "Connection refused, for at least 1 min.",
    "triggeredAt": "2025-11-20T10:30:00Z",
    "firedAt": "2025-11-20T10:30:00Z",
    "vpsId": "vps-1",
    "serviceName": "postgres",
    "ruleName": "Service down",
    "impact": {"tenants": ["acme", "globex"]},
    "runbookUrl": "https://wiki.example/postgres",
}


def message(event: str = "alert.fired", recipient: str = "Ops", **body: Any) -> Message:
    return Message(f"{event[-8:-6]}{'0' * 30}", "a1", event, recipient, {**BODY, **body})


def channel(
    server: MailServer,
    limit: float = LIMIT,
    contact: Contact = OPS,
    words: Words = WORDS,
) -> Email:
    return Email(server, FROM, lambda: [contact], words, limit=limit, clock=lambda: NOW)


def failure(email: Email, sent: Message | None = None) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        email.send(sent or message())
    return caught.value


def parts(mail: EmailMessage) -> tuple[str, str]:
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    return str(text.get_content()), str(html.get_content())


@pytest.fixture
def posts() -> Iterator[Callable[..., Post]]:
    """Starts mail servers."""
    started: list[Post] = []

    def start(*args: Any, **more: Any) -> Post:
        started.append(Post(*args, **more))
        return started[-1]

    yield start
    for post in started:
        post.close()


@pytest.fixture
def post(posts: Callable[..., Post]) -> Post:
    return posts()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Whose certificates are trusted here."""
    found = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(found.file))
    return found


def test_a_mail_says_what_since_when_and_whom_it_hurts(post: Post) -> None:
    receipt = channel(post.settings).send(message())
    (mail,) = post.mails
    assert post.recipients == [["ops@example.com"]]
    assert mail["Subject"] == "CRITICAL: postgres on vps-1 is unhealthy"
    assert (mail["From"], mail["To"]) == (FROM, "ops@example.com")
    assert mail["Message-ID"] == f"<{receipt.provider_id}>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.timestamp() == NOW
    text, html = parts(mail)
    for said in (
        "Connection refused, for at least 1 min.",
        "Thu 20 Nov 10:30 UTC",
        "acme and globex",
        "https://ops.example/hd/health/vps/vps-1",
        "https://wiki.example/postgres",
    ):
        assert said in text
        assert said in html
    assert post.raw[0].isascii()
    assert max(map(len, post.raw[0].split(b"\r\n"))) <= 998


def test_html_fetches_nothing_and_fits_a_phone(post: Post) -> None:
    channel(post.settings).send(message())
    html = parts(post.mails[0])[1]
    assert "width=device-width" in html
    for what in ("<img", "<link", "<script", "url(", "src="):
        assert what not in html


def test_all_mails_of_an_alert_are_one_thread_and_attempts_one_mail(post: Post) -> None:
    email = channel(post.settings)
    for sent in (
        message(),
        message(),
        message("alert.escalated"),
        message("alert.resolved", resolution="Recovered: it answers."),
    ):
        email.send(sent)
    fired, again, escalated, resolved = post.mails
    assert fired["Message-ID"] == again["Message-ID"] != resolved["Message-ID"]
    first = {mail["References"] for mail in post.mails} | {m["In-Reply-To"] for m in post.mails}
    assert len(first) == 1
    assert escalated["Subject"] == f"STILL OPEN: {BODY['title']}"
    assert resolved["Subject"] == f"RESOLVED: {BODY['title']}"
    assert "Recovered: it answers." in parts(resolved)[0]


def test_a_test_message_needs_no_alert(post: Post) -> None:
    channel(post.settings).send(Message("t1", None, "test", "ops@example.com", {}))
    (mail,) = post.mails
    assert mail["Subject"] == "Test message from Healthdeck"
    assert mail["References"] is None
    assert "This channel works." in parts(mail)[0]


def test_emoji_and_right_to_left_text_arrive(post: Post) -> None:
    channel(post.settings).send(message(title="🚨 الخادم معطل", message="שגיאה <b>&\nline 2"))
    (mail,) = post.mails
    assert mail["Subject"] == "CRITICAL: 🚨 الخادم معطل"
    text, html = parts(mail)
    assert "שגיאה <b>&\nline 2" in text.replace("\r\n", "\n")
    assert "שגיאה &lt;b&gt;&amp;" in html
    assert 'dir="auto"' in html


@pytest.mark.parametrize(
    "title", ["x\r\nBcc: all@example.com", "x\nBcc: y", "x\u2028Bcc: y", "x\x00\x1b[31m", "\u202ex"]
)
def test_nothing_gets_into_the_headers_by_a_subject(post: Post, title: str) -> None:
    channel(post.settings).send(message(title=title))
    (mail,) = post.mails
    assert mail["Bcc"] is None
    assert mail["Subject"].isprintable()
    assert post.recipients == [["ops@example.com"]]


@pytest.mark.parametrize(
    "address",
    ["a@b.example\r\nRCPT TO:<x@y.example>", "a@b@", "a b@c", "@b", "a@", "a@b..c", "a,b@c,d@e"],
)
def test_what_is_no_address_is_refused(post: Post, address: str) -> None:
    error = failure(channel(post.settings, contact=Contact(name="Ops", email=address)))
    assert (error.permanent, error.reason) == (True, "address_invalid")
    assert post.raw == []


def test_a_domain_of_another_script_is_written_as_mail_wants_it(post: Post) -> None:
    channel(post.settings).send(message(recipient="ops@müller.example"))
    assert post.recipients == [["ops@xn--mller-kva.example"]]


def test_an_address_beyond_ascii_needs_a_server_that_takes_it(posts: Callable[..., Post]) -> None:
    ours = posts(smtputf8=True)
    channel(ours.settings).send(message(recipient="jürgen@example.com"))
    assert ours.recipients == [["jürgen@example.com"]]
    error = failure(
        channel(posts(smtputf8=False).settings), message(recipient="jürgen@example.com")
    )
    assert error.permanent
    assert "beyond ASCII" in error.message


def test_a_contact_that_has_no_address_any_more(post: Post) -> None:
    error = failure(channel(post.settings, contact=Contact(name="Ops")))
    assert (error.permanent, error.reason) == (True, "unknown_recipient")
    assert "'Ops'" in error.message


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_encrypted_and_logged_in(
    posts: Callable[..., Post], authority: Authority, security: str
) -> None:
    post = posts(security, authority.server(30), login=True)
    channel(post.settings).send(message())
    assert (len(post.raw), post.logins) == (1, 1)


def test_a_wrong_password(posts: Callable[..., Post], authority: Authority) -> None:
    post = posts("starttls", authority.server(30), login=True)
    error = failure(channel(post.settings._replace(password="hidden")))
    assert (error.permanent, error.reason) == (True, "rejected")
    assert "user or password in SMTP_URL is wrong" in error.message
    assert "hidden" not in error.message
    assert post.raw == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(("days", "name"), [(-1, "127.0.0.1"), (30, "other.example")])
def test_a_certificate_that_is_not_good(
    posts: Callable[..., Post], authority: Authority, security: str, days: int, name: str
) -> None:
    post = posts(security, authority.server(days, name))
    error = failure(channel(post.settings))
    assert (error.permanent, error.reason) == (False, "tls_failed")
    assert post.raw == []


def test_a_stranger_is_not_trusted(posts: Callable[..., Post], tmp_path: Path) -> None:
    post = posts("tls", Authority(tmp_path).server(30))
    assert failure(channel(post.settings)).reason == "tls_failed"


def test_a_server_that_offers_no_starttls_gets_no_mail(post: Post) -> None:
    error = failure(channel(post.settings._replace(security="starttls")))
    assert error.permanent
    assert "does not offer STARTTLS" in error.message
    assert post.raw == []


@pytest.mark.parametrize(
    ("command", "answer", "permanent", "said"),
    [
        ("MAIL", "550 5.7.1 not you", True, "MAIL_FROM"),
        ("MAIL", "451 4.7.1 later", False, "451 4.7.1 later"),
        ("RCPT", "550 5.1.1 no such user", True, "refuses the recipient (550 5.1.1 no such user)"),
        ("RCPT", "450 4.2.1 greylisted", False, "greylisted"),
        ("DATA", "554 5.6.0 no", True, "refuses the message (554 5.6.0 no)"),
        ("DATA", "452 4.3.1 disk full", False, "disk full"),
        ("DATA", "421 4.3.2 going down", False, "421"),
    ],
)
def test_what_a_server_says_no_to(
    post: Post, command: str, answer: str, permanent: bool, said: str
) -> None:
    post.answers[command] = answer
    error = failure(channel(post.settings))
    assert error.permanent is permanent
    assert said in error.message
    post.answers.clear()
    channel(post.settings).send(message())
    assert len(post.raw) == 1


def test_a_mail_of_a_megabyte_is_a_clear_error(posts: Callable[..., Post]) -> None:
    post = posts(largest=100_000)
    for size, said in ((1_000_000, "MiB"), (100_000, "552")):
        words = Rendered(subject="Long", text="x" * size, html="x" * size)
        error = failure(channel(post.settings, words=lambda _, long=words: long))  # type: ignore[misc]
        assert (error.permanent, error.reason) == (True, "rejected")
        assert said in error.message
    assert post.raw == []


def test_what_a_check_answered_by_the_megabyte_is_cut(post: Post) -> None:
    channel(post.settings).send(message(message="x" * 1_000_000))
    assert len(post.raw[0]) < 20_000


def test_a_server_that_drops_the_connection(post: Post) -> None:
    post.drops = True
    error = failure(channel(post.settings))
    assert (error.permanent, error.reason) == (False, "connection_failed")
    post.drops = False
    channel(post.settings).send(message())


def test_a_server_that_hangs_is_left_in_time(post: Post) -> None:
    post.hold()
    error = failure(channel(post.settings, limit=0.5))
    assert (error.permanent, error.reason) == (False, "timeout")
    assert "0.5 s" in error.message
    assert post.waiting.is_set()


@pytest.mark.parametrize("piece", [b"2", b"220-still here\r\n"])
def test_a_server_that_trickles_is_left_in_time(piece: bytes) -> None:
    """Each byte comes soon, the answer never: the deadline is for the whole."""
    ended = threading.Event()

    def trickle(connection: socket.socket) -> None:
        while not ended.wait(0.02):
            connection.sendall(piece)

    with talking(trickle) as server:
        begun = time.monotonic()
        error = failure(channel(server, limit=0.5))
        took = time.monotonic() - begun
        ended.set()
    assert (error.permanent, error.reason) == (False, "timeout")
    assert took < 5


def test_a_server_that_talks_without_end() -> None:
    def flood(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"220-blah\r\n" * 1000)

    with talking(flood) as server:
        error = failure(channel(server, limit=30))
    assert (error.permanent, error.reason) == (False, "connection_failed")


def test_a_goodbye_that_does_not_come_loses_nothing() -> None:
    taken = threading.Event()

    def serve(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        connection.sendall(b"220 here\r\n")
        for answer in (b"250 here", b"250 ok", b"250 ok", b"354 go on"):
            lines.readline()
            connection.sendall(answer + b"\r\n")
        while lines.readline() != b".\r\n":
            pass
        connection.sendall(b"250 queued\r\n")
        taken.wait(20)

    with talking(serve) as server:
        channel(server).send(message())
        taken.set()


def test_what_is_no_mail_server() -> None:
    with talking(lambda connection: connection.sendall(b"SSH-2.0-x\r\n")) as server:
        error = failure(channel(server))
    assert not error.permanent
    assert "not SMTP" in error.message
    with refused_port() as port:
        error = failure(channel(MailServer("127.0.0.1", port, "none", "", "")))
    assert (error.permanent, error.reason) == (False, "connection_failed")


def test_the_words_may_be_those_of_a_template(post: Post) -> None:
    words = Rendered(subject="Our own\nwords", text="From here\n.\nSubject: x\n", note="as told")
    receipt = channel(post.settings, words=lambda _: words).send(message())
    assert receipt.note == words.note
    mail = read(post.raw[0])
    assert (mail["Subject"], mail.get_content_type()) == ("Our own words", "text/plain")
    assert str(mail.get_content()).replace("\r\n", "\n") == words.text


def test_the_doctor_goes_as_far_as_the_login(
    posts: Callable[..., Post], authority: Authority
) -> None:
    post = posts("starttls", authority.server(30), login=True)
    given = Settings(smtp_url=post.settings)
    assert [one.state for one in around.mail(given)] == ["ok"]
    wrong = Settings(smtp_url=post.settings._replace(password="hidden"))
    (found,) = around.mail(wrong)
    assert found.state == "broken"
    assert "user or password" in found.text
    assert "hidden" not in found.text
    assert [one.state for one in around.mail(Settings())] == ["off"]
    assert post.raw == []


def test_a_greylisted_mail_arrives_with_the_next_attempt(post: Post, database: Database) -> None:
    """From the outbox through the pipeline; the end of the alert comes when the firing has left."""
    with database.write() as session:
        alert = AlertRow(
            id="a1", fingerprint="f", rule_id="r", rule_name="R", target="vps-1",
            severity="critical", status="active", title="T", message="", value=1, threshold=1,
            triggered_at=NOW, impact=[],
        )  # fmt: skip
        session.add(alert)
        session.flush()
        outbox.enqueue(
            session, alert_id="a1", event=outbox.FIRING, body=BODY, severity=Severity.CRITICAL,
            plan=NotificationPlan(channels=(Channel.EMAIL,)), people=Directory([OPS]),
            channels={"email"}, now=NOW,
        )  # fmt: skip
    now = [NOW + 2]
    post.answers["RCPT"] = "450 4.2.0 greylisted, try again"
    pipeline = Pipeline(
        database, {"email": channel(post.settings)}, clock=lambda: now[0], jitter=lambda: 1.0
    )
    pipeline.start()
    try:
        assert pipeline.idle(30)
        with database.read() as session:
            (waiting,) = outbox.told(session, ["a1"], None)["a1"]
        assert (waiting.status, "greylisted" in waiting.detail) == ("queued", True)
        post.answers.clear()
        now[0] += FIRST_DELAY + 1
        pipeline.wake()
        assert pipeline.idle(30)
        with database.write() as session:
            outbox.enqueue_resolution(session, "a1", BODY, now[0])
        now[0] += WINDOW + 1
        pipeline.wake()
        assert pipeline.idle(30)
    finally:
        pipeline.stop()
    assert [mail["Subject"] for mail in post.mails] == [
        f"CRITICAL: {BODY['title']}",
        f"RESOLVED: {BODY['title']}",
    ]
    fired, resolved = post.mails
    assert fired["References"] == resolved["References"]
    with database.read() as session:
        assert {one.status for one in outbox.told(session, ["a1"], None)["a1"]} == {"sent"}
