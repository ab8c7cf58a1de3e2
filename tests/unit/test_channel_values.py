"""The settings of e-mail and SMS: what is read, and what is said about a wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from services.channel_values import MailServer
from services.errors import ConfigurationError
from services.settings import load

BASE = {
    "DATABASE_URL": "postgresql://h/d",
    "SECRET_KEY": "s" * 32,
    "JWT_SECRET": "s" * 32,
}
SID = f"AC{'0' * 32}"
MAIL = {"SMTP_URL": "smtp://mail.example", "MAIL_FROM": "alerts@example.com"}
SMS = {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": "hidden", "TWILIO_FROM": "+31600000000"}


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://u:p@mail.example?starttls", ("mail.example", 587, "starttls", "u", "p")),
        ("smtp://u:p@mail.example:2525/?STARTTLS", ("mail.example", 2525, "starttls", "u", "p")),
        ("smtps://a%40b:p%3A%2F@mail.example", ("mail.example", 465, "tls", "a@b", "p:/")),
        ("smtp://mail.example", ("mail.example", 25, "none", "", "")),
        ("smtp://u:p@localhost:25", ("localhost", 25, "none", "u", "p")),
        ("smtps://[fd00::1]", ("fd00::1", 465, "tls", "", "")),
    ],
)
def test_a_mail_server_is_read(url: str, server: tuple[Any, ...]) -> None:
    settings = load({**BASE, **MAIL, "SMTP_URL": url})
    assert settings.smtp_url == MailServer(*server)
    assert "p%3A" not in repr(settings)
    assert "p:/" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("SMTP_URL", "mail.example", "not the URL of a mail server; write smtp://"),
        ("SMTP_URL", "https://mail.example", "not the URL of a mail server; write smtp://"),
        ("SMTP_URL", "smtp://mail.example?verify=no", "not the URL of a mail server"),
        ("SMTP_URL", "smtp://mail.example:99999", "not the URL of a mail server"),
        ("SMTP_URL", f"smtp://{'a' * 64}.example", "not the URL of a mail server"),
        ("SMTP_URL", "smtp://mail example", "not the URL of a mail server"),
        ("SMTP_URL", "smtps://u:hidden@mail.example/path", "not the URL of a mail server"),
        ("SMTP_URL", "smtp://u:hidden@mail.example", "in the clear; add ?starttls, or write smtps"),
        ("SMTP_URL", "smtp://u:hidden@127.evil.example", "in the clear; add ?starttls"),
        ("SMTP_URL", "smtps://u@mail.example", "a login needs a user and a password"),
        ("SMTP_URL", "smtps://u:hidden%C3%BC@mail.example", "must be plain ASCII"),
        ("SMTP_URL", "smtps://u%0D%0A:hidden@mail.example", "must be plain ASCII"),
        ("MAIL_FROM", "alerts", "write alerts@example.com or Healthdeck <alerts@example.com>"),
        ("MAIL_FROM", "a@b.example, c@d.example", "this is not a sender"),
        ("TWILIO_ACCOUNT_SID", "AC1", "AC and 32 hexadecimal digits"),
        ("TWILIO_FROM", "0612345678901", "'0612345678901' is no sender of Twilio; write a number"),
        ("TWILIO_FROM", "A name too long", "at most 11 letters"),
        ("TWILIO_BASE_URL", "proxy.example", "'proxy.example' is not an origin"),
        ("PUBLIC_URL", "https://ops.example/hd", "has a path; an origin ends after the host"),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_right(name: str, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({**BASE, **MAIL, **SMS, name: text})
    (line,) = caught.value.details
    assert line.startswith(f"{name}: ")
    assert said in line
    assert "hidden" not in line


@pytest.mark.parametrize("sender", ["+31600000000", f"MG{'a' * 32}", "Healthdeck", "12345"])
def test_who_sends_an_sms(sender: str) -> None:
    settings = load({**BASE, **SMS, "TWILIO_FROM": sender})
    assert settings.twilio == (SID, "hidden", sender, "https://api.twilio.com")
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize("whole", [MAIL, SMS])
def test_half_of_a_channel_is_a_mistake(whole: dict[str, str]) -> None:
    for missing in whole:
        with pytest.raises(ConfigurationError) as caught:
            load({**BASE, **{name: text for name, text in whole.items() if name != missing}})
        assert [line.partition(";")[0] for line in caught.value.details] == [
            f"{missing}: is missing"
        ]


def test_the_address_for_others_has_the_sub_path() -> None:
    given = {**BASE, "PUBLIC_URL": "https://Ops.example:443/", "URL_PREFIX": "/healthdeck/"}
    assert load(given).public_address == "https://ops.example/healthdeck"
    assert load(BASE).public_address is None
    assert (load(BASE).smtp_url, load(BASE).twilio) == (None, None)
