"""Settings: what is read from an environment, and what is said about a wrong one."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import ConfigurationError
from services.setting_values import ROOT
from services.settings import NAMES, Settings, load, near_misses

SECRET = "s" * 32


@pytest.fixture
def base(tmp_path):
    return {
        "DATABASE_URL": f"sqlite:///{tmp_path}/data/hub.db",
        "SECRET_KEY": SECRET,
        "JWT_SECRET": SECRET,
    }


def mistakes(environ, **overrides):
    with pytest.raises(ConfigurationError) as caught:
        load(environ, **overrides)
    return caught.value.details


def test_an_empty_environment_gives_the_documented_defaults():
    settings = Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8050)
    assert settings.database_file == ROOT / "instance" / "healthdeck.db"
    assert settings.instance_dir == ROOT / "instance"
    assert (settings.collect_interval, settings.check_timeout) == (30, 10)
    assert (settings.log_level, settings.log_format) == ("info", "console")
    assert (settings.redis_url, settings.inventory, settings.jwt_audience) == (None, None, None)
    assert settings.portal_url == settings.webhook_allow == settings.witnesses == ()
    assert (settings.retention_raw_hours, settings.retention_blocks_days) == (48, 90)
    assert (settings.retention_1m_days, settings.retention_10m_days) == (14, 90)
    assert settings.retention_1h_days == 730


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("PORT", "443", 443),
        ("HOST", "[::1]", "::1"),
        ("HOST", "hub.internal", "hub.internal"),
        ("DATABASE_URL", "postgres://u:p@h/db", "postgres://u:p@h/db"),
        ("REDIS_URL", "rediss://:pw@cache:6380/1", "rediss://:pw@cache:6380/1"),
        ("COLLECT_INTERVAL", "2.5", 2.5),
        ("TRUSTED_PROXIES", "1", 1),
        ("PORTAL_URL", "https://A.example:443/, http://b:8080", ("https://a.example", "http://b:8080")),
        ("PORTAL_URL", "http://[::1]:80 http://[::1]", ("http://[::1]",)),
        ("PORTAL_URL", " , ", ()),
        ("WEBHOOK_ALLOW", "127.0.0.0/8,::1", (ip_network("127.0.0.0/8"), ip_network("::1"))),
        ("WITNESSES", "1.1.1.1:53, 9.9.9.9:53", (("1.1.1.1", 53), ("9.9.9.9", 53))),
        ("WITNESSES", "[fd00::1]:53 gw.lan:443,", (("fd00::1", 53), ("gw.lan", 443))),
        ("WITNESSES", "a:1 a:1", (("a", 1),)),
        ("RETENTION_RAW_HOURS", "24", 24),
        ("RETENTION_1H_DAYS", "3650", 3650),
        ("LOG_LEVEL", "WARNING", "warning"),
        ("LOG_FORMAT", "json", "json"),
        ("INVENTORY", "/etc/inventory.yml", Path("/etc/inventory.yml")),
        ("INVENTORY", "here.yml", Path.cwd() / "here.yml"),
        ("JWT_ISSUER", " portal ", "portal"),
        ("PORT", "", 8050),
    ],
)  # fmt: skip
def test_a_setting_is_read(base, name, text, value):
    assert getattr(load({**base, name: text}), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("PORT", "abc", "'abc' is not a whole number from 1 to 65535"),
        ("PORT", "0", "'0' is not a whole number from 1 to 65535"),
        ("PORT", "80.5", "'80.5' is not a whole number from 1 to 65535"),
        ("PORT", "9" * 5000, "is not a whole number from 1 to 65535"),
        ("TRUSTED_PROXIES", "-1", "'-1' is not a whole number from 0 to 10"),
        ("COLLECT_INTERVAL", "nan", "'nan' is not a number of seconds from 1 to 86400"),
        ("COLLECT_INTERVAL", "0.5", "'0.5' is not a number of seconds from 1 to 86400"),
        ("CHECK_TIMEOUT", "30s", "'30s' is not a number of seconds from 0.1 to 300"),
        ("HOST", "http://x", "'http://x' is not an address to listen on; write 127.0.0.1"),
        ("DATABASE_URL", "hub.db", "this is not a database URL; write sqlite:///path/to/file.db"),
        ("DATABASE_URL", "mysql://u:hidden@h/d", "there is no support for 'mysql'; write sqlite"),
        ("DATABASE_URL", "sqlite://", "an SQLite database needs a plain file"),
        ("DATABASE_URL", "sqlite:///:memory:", "an SQLite database needs a plain file"),
        ("REDIS_URL", "http://hidden@h", "this is not a Redis URL; write redis://host:6379/0"),
        ("REDIS_URL", "redis://h:99999", "this is not a Redis URL; write redis://host:6379/0"),
        ("SECRET_KEY", "hidden", "a secret of 6 bytes is too short; give at least 32"),
        ("JWT_SECRET", "hidden" * 5, "a secret of 30 bytes is too short; give at least 32"),
        ("PORTAL_URL", "portal.example", "'portal.example' is not an origin; write https://host"),
        ("PORTAL_URL", "https://*.example", "'https://*.example' is not an origin"),
        ("PORTAL_URL", "https://a:hidden@b", "'https://***@b' is not an origin"),
        ("PORTAL_URL", "https://a/admin", "'https://a/admin' has a path; an origin ends after"),
        ("WEBHOOK_ALLOW", "10.0.0.5/8", "'10.0.0.5/8' is not a network; write 10.0.0.0/8 for"),
        ("WEBHOOK_ALLOW", "lan", "'lan' is not a network; write it as 10.0.0.0/8"),
        (
            "WITNESSES",
            "1.1.1.1",
            "'1.1.1.1' is no address; write it as host:port, such as db.example:5432",
        ),
        ("WITNESSES", "a:1, b:0", "'b:0' is no address; write it as host:port"),
        ("WITNESSES", "https://a:1", "'https://a:1' is no address; write it as host:port"),
        ("RETENTION_RAW_HOURS", "0", "'0' is not a whole number from 1 to 8760"),
        ("RETENTION_1M_DAYS", "14d", "'14d' is not a whole number from 1 to 3650"),
        ("LOG_LEVEL", "loud", "'loud' is not one of debug, info, warning, error"),
        ("LOG_FORMAT", "xml", "'xml' is not one of console, json"),
        ("JWT_AUDIENCE", "a\nb", "holds characters that are no text, such as a line break"),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_right(base, name, text, said):
    (line,) = mistakes({**base, name: text})
    assert line.startswith(f"{name}: ")
    assert said in line
    assert "hidden" not in line


def test_every_mistake_is_told_at_once_and_nothing_is_made(tmp_path):
    environ = {"PORT": "x", "HOST": "a b", "DATABASE_URL": f"sqlite:///{tmp_path}/new/hub.db"}
    assert [line.partition(":")[0] for line in mistakes(environ)] == ["HOST", "PORT"]
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_wins_and_is_checked_alike(base):
    assert load({**base, "PORT": "nonsense"}, port="9000", host=None).port == 9000
    assert mistakes(base, port="70000") == ["PORT: '70000' is not a whole number from 1 to 65535"]


def test_only_the_given_environment_is_read(base, monkeypatch):
    monkeypatch.setenv("PORT", "9999")
    monkeypatch.setenv("JWT_ISSUER", "elsewhere")
    settings = load(base)
    assert (settings.port, settings.jwt_issuer) == (8050, None)


@pytest.mark.parametrize("name", ["SECRET_KEY", "JWT_SECRET", "DATABASE_URL", "REDIS_URL", "PORT"])
def test_a_setting_can_lie_in_a_file(base, tmp_path, name):
    values = {"DATABASE_URL": "postgresql://h/d", "REDIS_URL": "redis://h", "PORT": "81"}
    value = values.get(name, "f" * 40)
    (tmp_path / "value").write_text(f"{value}\n")
    base.pop(name, None)
    settings = load({**base, f"{name}_FILE": str(tmp_path / "value")})
    assert str(getattr(settings, name.lower())) == value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read '{file}': No such file or directory"),
        (b"", "'{file}' must hold one line of text, the value of PORT"),
        (b"80\n81\n", "'{file}' must hold one line of text, the value of PORT"),
        (b"\xff", "'{file}' must hold one line of text, the value of PORT"),
        (b" " * 70_000 + b"80", "'{file}' must hold one line of text, the value of PORT"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(base, tmp_path, content, said):
    file = tmp_path / "value"
    if content is not None:
        file.write_bytes(content)
    assert mistakes({**base, "PORT_FILE": str(file)}) == ["PORT_FILE: " + said.format(file=file)]


def test_a_value_and_a_file_at_once_are_a_mistake(base):
    said = mistakes({**base, "SECRET_KEY_FILE": "/run/secret"})
    assert said == ["SECRET_KEY: SECRET_KEY_FILE is set too; keep one of them"]


def test_missing_secrets_are_made_once_and_kept_private(tmp_path):
    environ = {"DATABASE_URL": f"sqlite:///{tmp_path}/deep/er/hub.db"}
    first, second = load(environ), load(environ)
    assert first.secret_key == second.secret_key != first.jwt_secret
    assert len(first.secret_key) >= 32
    assert first.instance_dir == tmp_path / "deep" / "er"
    names = sorted(path.name for path in first.instance_dir.iterdir())
    assert names == ["jwt_secret", "secret_key"]
    for name in names:
        assert stat.S_IMODE((first.instance_dir / name).stat().st_mode) == 0o600


def test_those_who_start_together_agree_on_one_secret(tmp_path):
    together = Barrier(8, timeout=10)

    def start(_):
        together.wait()
        return load({"DATABASE_URL": f"sqlite:///{tmp_path}/hub.db"}).secret_key

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(start, range(8)))) == 1


def test_a_damaged_secret_file_is_told(tmp_path, base):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "jwt_secret").write_text("short")
    del base["JWT_SECRET"]
    (line,) = mistakes(base)
    assert line.startswith(f"JWT_SECRET: '{tmp_path}/data/jwt_secret' holds less than 32 bytes")


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    (line,) = mistakes({"DATABASE_URL": f"sqlite:///{tmp_path}/file/x/hub.db"})
    assert line.startswith(f"DATABASE_URL: the folder '{tmp_path}/file/x' cannot be made (Not a")


def test_secrets_stay_out_of_the_representation(base):
    settings = load({**base, "REDIS_URL": "redis://:hidden@h"})
    assert SECRET not in repr(settings)
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("COLECT_INTERVAL", "COLLECT_INTERVAL"),
        ("collect_interval", "COLLECT_INTERVAL"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("PROT", "PORT"),
        ("SECRETKEY_FILE", "SECRET_KEY_FILE"),
        ("REDIS_URI", "REDIS_URL"),
    ],
)
def test_a_slip_in_a_name_is_warned_of(name, meant):
    assert near_misses({name: "x"}) == [f"{name} is not a setting; did you mean {meant}?"]


@pytest.mark.parametrize(
    "environ",
    [
        {"REDIS_URI": "x", "REDIS_URL": "redis://h"},
        {"TEST_DATABASE_URL": "x", "MY_REDIS_URL": "x", "SECRET_KEY_BASE": "x"},
        {"HOSTNAME": "x", "PATH": "x", "HOME": "x", "PWD": "x", "HOSTS": "x", "LOGNAME": "x"},
        dict.fromkeys(NAMES, "x"),
    ],
)
def test_other_programs_variables_are_left_alone(environ):
    assert near_misses(environ) == []


@given(st.dictionaries(st.sampled_from([*NAMES, "PORT_FILE"]), st.text(max_size=30)))
def test_any_text_is_a_setting_or_a_mistake(environ):
    environ |= {"SECRET_KEY": SECRET, "JWT_SECRET": SECRET, "DATABASE_URL": "postgresql://h/d"}
    with suppress(ConfigurationError):
        load(environ)
