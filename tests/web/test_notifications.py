"""Notifications over REST: looked at, sent again, tried out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from models.audit import AuditRow
from services.errors import Conflict, Unavailable
from services.events import AlertChanged, InAppMessage, NotificationsQueued
from services.identity.audit import Actor
from services.notify.trial import AT_ONCE
from tests.support import site
from tests.support.notify_site import NOW, Place, placed
from tests.support.wait import eventually
from tests.support.web import Answer


@pytest.fixture
def place(tmp_path: Path, empty_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with placed(tmp_path, empty_file, monkeypatch) as found:
        yield found


def audited(place: Place) -> list[tuple[str, str, dict[str, Any]]]:
    columns = (AuditRow.action, AuditRow.target, AuditRow.detail)
    with place.services.database.read() as session:
        found = session.execute(select(*columns).where(AuditRow.action.like("notification.%")))
        return [(action, target, detail) for action, target, detail in found]


def test_they_are_listed_newest_first_with_all_there_is_to_say(place: Place) -> None:
    place.alert("a1")
    place.row("a1", NOW)
    newest = place.row(
        "a1", NOW + 60, status="queued", reason="receiver_error", detail="It answered 503.",
        attempts=2, next_attempt_at=NOW + 90, via="On call in Nights.",
    )  # fmt: skip
    first, second = place.get()["notifications"]
    assert first == {
        "id": newest, "alertId": "a1", "alertTitle": "API down", "text": "No answer",
        "severity": "critical", "event": "alert.fired", "channel": "webhook", "recipient": "Ops",
        "via": "On call in Nights.", "status": "queued", "reason": "receiver_error",
        "detail": "It answered 503.", "attempts": 2, "createdAt": "2025-11-20T10:31:00.000Z",
        "nextAttemptAt": "2025-11-20T10:31:30.000Z", "sentAt": None, "providerId": None,
        "message": None, "resentFrom": None, "resentBy": None, "insteadOf": None,
    }  # fmt: skip
    assert second["createdAt"] == "2025-11-20T10:30:00.000Z"


def test_pages_follow_each_other_without_a_gap(place: Place) -> None:
    ids = [place.row(at=NOW + number // 3) for number in range(20)]
    seen: list[str] = []
    query: dict[str, Any] = {}
    while query or not seen:
        page = place.get(limit=6, **query)
        seen += [row["id"] for row in page["notifications"]]
        query = {"cursor": page["nextCursor"]} if page["nextCursor"] else {}
    assert sorted(seen) == sorted(ids)
    moments = {row.id: row.created_at for row in place.rows()}
    assert [moments[id_] for id_ in seen] == sorted(moments.values(), reverse=True)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "abcd"),
        ({"status": "failed"}, "b"),
        ({"status": ["failed", "queued"]}, "bc"),
        ({"channel": "sms"}, "c"),
        ({"channel": ["sms", "inApp"]}, "cd"),
        ({"recipient": "Boss"}, "c"),
        ({"event": "channel.troubled"}, "d"),
        ({"alertId": "a1"}, "ab"),
        ({"from": "2025-11-20T10:31:00Z"}, "bcd"),
        ({"to": "2025-11-20T10:31:00Z"}, "ab"),
        ({"from": "2025-11-20T10:30:30Z", "to": "2025-11-20T10:32:30Z", "status": "queued"}, "c"),
        ({"from": "now-1h"}, ""),
    ],
)
def test_a_list_holds_what_was_asked_for(place: Place, query: dict[str, Any], found: str) -> None:
    place.alert("a1")
    names = {
        place.row("a1", NOW): "a",
        place.row("a1", NOW + 60, status="failed", reason="gone"): "b",
        place.row(None, NOW + 120, status="queued", channel="sms", recipient="Boss"): "c",
        place.row(
            None, NOW + 180, event="channel.troubled", channel="inApp", recipient="everyone"
        ): "d",
    }
    rows = place.get(**query)["notifications"]
    assert "".join(sorted(names[row["id"]] for row in rows)) == found


@pytest.mark.parametrize(
    "query",
    [{"status": "lost"}, {"channel": "fax"}, {"alertId": "A 1"}, {"limit": 0}, {"from": "soon"},
     {"cursor": "x"}, {"recipient": "a\x00"}, {"event": ["a"] * 21}, {"odd": "1"}],
)  # fmt: skip
def test_what_cannot_be_asked_for(place: Place, query: dict[str, Any]) -> None:
    assert place.get(**query)["errorCode"] == "VALIDATION_ERROR"


def test_what_went_in_one_message_says_so(place: Place) -> None:
    place.alert("a1")
    alone = place.row("a1", channel="email", batch="m0", id="m0")
    together = [
        place.row("a1", channel="email", batch="m1", id=id_, reason="batched", detail="And 1 more.")
        for id_ in ("m1", "m2")
    ]
    shared = {row["id"]: row["message"] for row in place.get()["notifications"]}
    assert shared == {alone: None, **dict.fromkeys(together, "m1")}


def test_a_limited_caller_gets_what_is_about_its_own_and_names_nobody_else(place: Place) -> None:
    place.alert("mine", "vps-1")
    place.alert("theirs", "vps-2")
    place.row("mine", id="m1", batch="m1", reason="batched", detail="One message of 9 more.")
    place.row("theirs", id="m2", batch="m1")
    place.row(None, event="channel.troubled", channel="inApp", recipient="everyone")
    place.row(None, event="test")
    limited = site.bearer(place.services, tenants=["acme"])
    (row,) = place.get(limited)["notifications"]
    assert (row["alertId"], row["message"], row["detail"]) == ("mine", None, "")
    for alert_id in ("theirs", "nowhere"):
        assert place.get(limited, alertId=alert_id)["errorCode"] == "NOT_FOUND"
    nobody = site.bearer(place.services, tenants=["nobody"])
    assert place.get(nobody)["notifications"] == []
    assert place.client.get("/api/admin/notifications").status_code == 401


def test_one_that_failed_is_sent_again_as_it_was(place: Place) -> None:
    place.alert("a1")
    before = place.row("a1", status="failed", reason="gone", detail="The receiver answered 410.")
    status, again = place.post(f"{before}/resend")
    assert (status, again["status"], again["reason"]) == (202, "queued", "resent")
    assert (again["resentFrom"], again["resentBy"]) == (before, "script")
    assert again["detail"] == "Sent again by script."
    assert {type(event) for event in place.heard} == {NotificationsQueued, AlertChanged}
    place.services.pipeline.start()
    (request,) = eventually(lambda: place.peers.hook.requests, 20, "it arrives")
    assert request.headers["idempotency-key"] == again["id"] != before
    assert request.json == {**place.rows()[0].body, "event": "alert.fired"}
    assert place.services.pipeline.idle(20)
    (sent,) = place.get(status="sent")["notifications"]
    assert (sent["id"], sent["resentBy"], sent["attempts"]) == (again["id"], "script", 1)
    old = {"new": again["id"], "channel": "webhook", "recipient": "Ops"}
    assert audited(place) == [("notification.resend", before, old)]


def test_a_key_sends_it_again_once(place: Place) -> None:
    before = place.row()
    answers = [place.post(f"{before}/resend", **{"Idempotency-Key": "k1"}) for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(place.rows()) == 2


@pytest.mark.parametrize("status", ["queued", "sending"])
def test_what_is_under_way_is_not_sent_again(place: Place, status: str) -> None:
    before = place.row(status=status)
    code, told = place.post(f"{before}/resend")
    assert (code, told["errorCode"]) == (409, "CONFLICT")
    assert status in told["error"]


def test_it_is_sent_again_once_at_a_time(place: Place) -> None:
    before = place.row(status="undeliverable", reason="no_address")
    assert place.post(f"{before}/resend")[0] == 202
    code, told = place.post(f"{before}/resend")
    assert (code, told["error"]) == (409, "The notification is being sent again already.")
    with ThreadPoolExecutor(4) as pool:
        other = place.row(status="failed")
        actor = Actor("ops")
        asked = [pool.submit(place.services.notifications.resend, other, actor) for _ in range(4)]
        refused = [one.exception(20) for one in asked]
    assert [type(error) for error in refused if error] == [Conflict] * 3


def test_there_must_be_something_to_send_again_and_a_channel(
    tmp_path: Path, empty_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with placed(tmp_path, empty_file, monkeypatch, smtp_url=None, mail_from=None) as place:
        assert place.post("f00/resend")[0] == 404
        code, told = place.post(f"{place.row(channel='email')}/resend")
        assert code == 409
        assert "email is not set up" in told["error"]


@pytest.mark.parametrize(
    ("channel", "recipient", "status"),
    [
        ("email", "Ops", "sent"),
        ("email", "somebody@example.com", "sent"),
        ("sms", "Ops", "sent"),
        ("sms", "+31 6 12 34 56 78", "sent"),
        ("webhook", "Ops", "sent"),
        ("apprise", "Ops", "sent"),
        ("inApp", None, "delivered"),
    ],
)
def test_a_test_goes_through_the_very_channel(
    place: Place, channel: str, recipient: str | None, status: str
) -> None:
    code, told = place.test(channel, recipient)
    assert (code, told["ok"], told["status"]) == (200, True, status)
    peers = place.peers
    match channel:
        case "email":
            assert peers.post.mails[0]["Subject"] == "Test message from Healthdeck"
            assert told["providerId"] == peers.post.mails[0]["Message-ID"].strip("<>")
        case "sms":
            assert told["providerId"] == peers.twilio.taken[0].sid
        case "webhook":
            assert peers.hook.requests[0].json["event"] == "test"
        case "apprise":
            assert peers.hook.requests[0].json["title"] == "Test message from Healthdeck"
        case _:
            (heard,) = [one for one in place.heard if isinstance(one, InAppMessage)]
            assert heard.title == "Test message from Healthdeck"
    (row,) = place.get()["notifications"]
    assert (row["id"], row["event"], row["status"]) == (told["id"], "test", status)
    (entry,) = audited(place)
    assert entry[0] == "notification.test"
    assert entry[2] == {"notifications": [told["id"]]}


def test_a_template_for_the_dashboard_has_its_effect(place: Place) -> None:
    parts = {"title": "Hello {{ contact.name }}"}
    path = "/api/admin/notifications/templates/inapp/test"
    assert place.client.put(path, json=parts, headers=place.admin).status_code == 200
    place.test("inApp")
    (heard,) = [one for one in place.heard if isinstance(one, InAppMessage)]
    assert (heard.title, heard.severity) == ("Hello everyone", "info")


def test_what_the_provider_said_is_shown(place: Place) -> None:
    place.peers.post.answers["RCPT"] = "550 5.1.1 no such user"
    place.peers.twilio.refuse(400, 21211)
    place.peers.hook.answer = Answer(503)
    for channel, reason, said in (
        ("email", "rejected", "550 5.1.1 no such user"),
        ("sms", "address_invalid", "the number is not valid (error 21211)"),
        ("webhook", "receiver_error", "The receiver answered 503."),
    ):
        code, told = place.test(channel, "Ops")
        assert (code, told["ok"], told["status"]) == (200, False, "failed"), channel
        assert told["reason"] == reason
        assert said in told["detail"]
        assert told["results"] == [{k: v for k, v in told.items() if k != "results"}]
    # Nothing is tried again: whoever asked has had the answer.
    assert {row.next_attempt_at for row in place.rows()} == {None}


def test_an_address_of_the_inside_is_refused_with_its_reason(place: Place) -> None:
    _, told = place.test("webhook", "Cloud")
    assert (told["ok"], told["reason"]) == (False, "address_refused")
    assert "169.254.169.254 is a link-local address" in told["detail"]


@pytest.mark.parametrize(
    ("channel", "recipient", "status", "said"),
    [
        ("fax", "Ops", 400, "channel"),
        ("email", None, 400, "needs a recipient"),
        ("email", "Nobody", 404, "No contact"),
        ("webhook", "https://hooks.example/x", 404, "No contact"),
        ("sms", "Boss", 400, "has not got a phone number"),
        ("sms", "a" * 400, 400, "recipient"),
    ],
)
def test_who_cannot_be_tested(
    place: Place, channel: str, recipient: str | None, status: int, said: str
) -> None:
    code, told = place.test(channel, recipient)
    assert code == status
    assert said in f"{told['error']} {told['details']}"
    assert place.rows() == []


def test_what_is_not_set_up_names_what_is_missing(
    tmp_path: Path, empty_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = {"smtp_url": None, "mail_from": None, "twilio_account_sid": None,
            "twilio_auth_token": None, "twilio_from": None}  # fmt: skip
    with placed(tmp_path, empty_file, monkeypatch, **bare) as place:
        for channel, names in (
            ("email", "SMTP_URL, MAIL_FROM are missing"),
            ("sms", "TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_FROM are missing"),
        ):
            code, told = place.test(channel, "Ops")
            assert (code, told["ok"], told["status"]) == (200, False, "undeliverable")
            assert told["reason"] == "channel_unavailable"
            assert names in told["detail"]
        assert place.test("email", "Nobody")[0] == 404
        assert {row["event"] for row in place.get()["notifications"]} == {"test"}


def test_tests_do_not_become_a_flood(place: Place) -> None:
    hook = place.peers.hook
    hook.hang()
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            trials, actor = place.services.trials, Actor("ops")
            running = [pool.submit(trials.send, "webhook", "Ops", actor) for _ in range(AT_ONCE)]
            eventually(lambda: len(hook.requests) == AT_ONCE, 20, "they are under way")
            with pytest.raises(Unavailable, match="4 tests are under way"):
                trials.send("webhook", "Ops", actor)
            hook.go_on()
            assert all(one.ok for future in running for one in future.result(20))
    finally:
        hook.go_on()
    assert place.test("webhook", "Ops")[1]["ok"]


def test_sending_is_for_those_who_see_everything(place: Place) -> None:
    place.alert("a1")
    before = place.row("a1")
    place.admin = site.bearer(place.services, tenants=["acme"])
    assert place.post(f"{before}/resend")[0] == 403
    assert place.test("email", "Ops")[0] == 403
    assert len(place.rows()) == 1
