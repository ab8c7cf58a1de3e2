"""Every setting, read once from the environment (or from a file that NAME_FILE names)."""

from __future__ import annotations

import difflib
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import make_url

from services import channel_values
from services import setting_values as values
from services.errors import ConfigurationError

MAX_FILE_BYTES = 64 * 1024

Optional = Annotated[str | None, BeforeValidator(lambda given: given and str(given).strip())]
Secret = Annotated[str, BeforeValidator(values.secret), Field(repr=False)]


class Settings(BaseSettings):
    """What the admin decided. Times in seconds, but ``retention_*`` in what its name says;
    ``secret_key`` and ``jwt_secret`` are filled in by ``load`` when they are not given.
    ``witnesses`` are addresses that answer whenever this machine's own network works."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", validate_default=False)

    host: Annotated[str, BeforeValidator(values.host)] = "127.0.0.1"
    port: Annotated[int, values.whole(1, 65535)] = 8050
    database_url: Annotated[
        str, BeforeValidator(values.database), Field(repr=False, validate_default=True)
    ] = "sqlite:///instance/healthdeck.db"
    redis_url: Annotated[str | None, BeforeValidator(values.redis), Field(repr=False)] = None
    public_url: Annotated[str | None, BeforeValidator(values.origin)] = None
    secret_key: Secret = ""
    jwt_secret: Secret = ""
    jwt_audience: Optional = None
    jwt_issuer: Optional = None
    portal_url: Annotated[tuple[str, ...], BeforeValidator(values.origins)] = ()
    trusted_proxies: Annotated[int, values.whole(0, 10)] = 0
    url_prefix: Annotated[str, BeforeValidator(values.prefix)] = ""
    inventory: Annotated[Path | None, BeforeValidator(values.path)] = None
    collect_interval: Annotated[float, values.seconds(1, 86400)] = 30
    check_timeout: Annotated[float, values.seconds(0.1, 300)] = 10
    alert_reopen_seconds: Annotated[float, values.seconds(0, 86400)] = 300
    deployment_grace: Annotated[float, values.seconds(0, 86400)] = 300
    rate_limit: Annotated[str, BeforeValidator(values.rate)] = "60 per minute"
    witnesses: Annotated[tuple[values.Address, ...], BeforeValidator(values.addresses)] = ()
    smtp_url: Annotated[
        channel_values.MailServer | None,
        BeforeValidator(channel_values.mail_server),
        Field(repr=False),
    ] = None
    mail_from: Annotated[str | None, BeforeValidator(channel_values.sender)] = None
    twilio_account_sid: Annotated[str | None, BeforeValidator(channel_values.twilio_account)] = None
    twilio_auth_token: Annotated[Optional, Field(repr=False)] = None
    twilio_from: Annotated[str | None, BeforeValidator(channel_values.twilio_sender)] = None
    twilio_base_url: Annotated[str, BeforeValidator(values.origin)] = "https://api.twilio.com"
    retention_raw_hours: Annotated[int, values.whole(1, 8760)] = 48
    retention_blocks_days: Annotated[int, values.whole(1, 3650)] = 90
    retention_1m_days: Annotated[int, values.whole(1, 3650)] = 14
    retention_10m_days: Annotated[int, values.whole(1, 3650)] = 90
    retention_1h_days: Annotated[int, values.whole(1, 3650)] = 730
    heartbeat_url: Annotated[str | None, BeforeValidator(values.web_address), Field(repr=False)] = (
        None
    )
    webhook_allow: Annotated[tuple[values.Network, ...], BeforeValidator(values.networks)] = ()
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        values.one_of("debug", "info", "warning", "error"),
    ] = "info"
    log_format: Annotated[Literal["console", "json"], values.one_of("console", "json")] = "console"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """``load`` hands over the one environment; nothing is read behind its back."""
        return (init_settings,)

    @property
    def public_address(self) -> str | None:
        """Where others reach us, with the sub-path; None when nobody said."""
        return self.public_url and f"{self.public_url}{self.url_prefix}"

    @property
    def twilio(self) -> tuple[str, str, str, str] | None:
        """Account, its token, the sender, and where the API is; None when it is not set up."""
        if not (self.twilio_account_sid and self.twilio_auth_token and self.twilio_from):
            return None
        base = self.twilio_base_url
        return self.twilio_account_sid, self.twilio_auth_token, self.twilio_from, base

    @property
    def database_file(self) -> Path | None:
        """The file of an SQLite database; None for a server."""
        url = make_url(self.database_url)
        return Path(url.database or "") if url.get_backend_name() == "sqlite" else None

    @property
    def instance_dir(self) -> Path:
        """Where this installation keeps what it made itself: beside its SQLite database."""
        return self.database_file.parent if self.database_file else values.ROOT / "instance"


NAMES: tuple[str, ...] = tuple(name.upper() for name in Settings.model_fields)


def load(environ: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """The settings of ``environ``; ``overrides`` (from the command line) win unless None.

    An empty variable counts as not given. Makes the folder of the SQLite database, and the
    secrets that are missing. Raises ConfigurationError with one detail line for each mistake.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    problems: list[str] = []
    for name in Settings.model_fields.keys() - given.keys():
        try:
            if (text := _read(environ, name.upper())) is not None:
                given[name] = text
        except ValueError as error:
            problems.append(str(error))
    settings = None
    try:
        settings = Settings(**given)
        problems += _halves(settings)
    except ValidationError as error:
        problems += (f"{str(e['loc'][0]).upper()}: {_said(e)}" for e in error.errors())
    if settings and not problems:
        try:
            return _completed(settings)
        except ValueError as error:
            problems.append(str(error))
    raise ConfigurationError("The settings are wrong", sorted(problems))


#: What is of no use without the others.
_TOGETHER = (
    ("smtp_url", "mail_from"),
    ("twilio_account_sid", "twilio_auth_token", "twilio_from"),
)


def _halves(settings: Settings) -> Iterator[str]:
    """A line for each setting that is missing beside those that need it."""
    for names in _TOGETHER:
        given = [name.upper() for name in names if getattr(settings, name)]
        for name in names if given else ():
            if name.upper() not in given:
                yield f"{name.upper()}: is missing; {given[0]} needs it"


def _said(error: Mapping[str, Any]) -> str:
    cause = error.get("ctx", {}).get("error")
    return str(cause or error["msg"])


def _read(environ: Mapping[str, str], name: str) -> str | None:
    value, file = environ.get(name), environ.get(f"{name}_FILE")
    if not file:
        if value and not value.isprintable():
            raise ValueError(f"{name}: holds characters that are no text, such as a line break")
        return value or None
    if value:
        raise ValueError(f"{name}: {name}_FILE is set too; keep one of them")
    try:
        with values.path(file).open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
        text = data.decode().strip()
    except OSError as error:
        raise ValueError(f"{name}_FILE: cannot read '{file}': {error.strerror}") from None
    except UnicodeDecodeError:
        text = ""
    except ValueError as error:
        raise ValueError(f"{name}_FILE: {error}") from None
    if not text.isprintable() or not text or len(data) > MAX_FILE_BYTES:
        raise ValueError(f"{name}_FILE: '{file}' must hold one line of text, the value of {name}")
    return text


def _completed(settings: Settings) -> Settings:
    """The settings with the secrets that this installation keeps for itself."""
    missing = [name for name in ("secret_key", "jwt_secret") if not getattr(settings, name)]
    folder = settings.instance_dir
    if missing or settings.database_file:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(
                f"DATABASE_URL: the folder '{folder}' cannot be made ({error.strerror}); "
                "create it or name a file elsewhere"
            ) from None
    return settings.model_copy(update={name: _kept(folder / name) for name in missing})


def _kept(path: Path) -> str:
    """The secret in ``path``, made when there is none. A link appears whole or not at all, so
    processes that start together agree on one, and a crash leaves none half written."""
    try:
        if not path.exists():
            with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                os.fsync(file.fileno())
                _link(file.name, path)
        text = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ValueError(
            f"{path.name.upper()}: cannot be kept in '{path}' ({error.strerror}); "
            "make the folder writable or set it"
        ) from None
    except UnicodeDecodeError:
        text = ""
    if len(text) < values.MIN_SECRET_BYTES:
        raise ValueError(
            f"{path.name.upper()}: '{path}' holds less than {values.MIN_SECRET_BYTES} bytes of "
            "text; delete it to have a new one made, or set it"
        )
    return text


def _link(source: str, path: Path) -> None:
    try:
        path.hardlink_to(source)
    except FileExistsError:
        return  # another process was first: its secret holds


def near_misses(environ: Mapping[str, str]) -> list[str]:
    """A line for each variable that looks like a setting written wrongly.

    A variable that only adds a word (``TEST_DATABASE_URL``) is somebody else's, and so is one
    whose setting is given too.
    """
    known = {form: name for name in NAMES for form in (name, f"{name}_FILE")}
    given = {known[name] for name in environ if name in known}
    lines = []
    for name in sorted(environ.keys() - known.keys()):
        meant = _meant(name, known)
        if meant and known[meant] not in given:
            lines.append(f"{name} is not a setting; did you mean {meant}?")
    return lines


def _meant(name: str, known: Mapping[str, str]) -> str | None:
    if len(name) < 6:  # of short names, only letters in the wrong order are surely a slip
        return next((form for form in known if sorted(form) == sorted(name)), None)
    plain = name.upper()
    near = [plain] if plain in known else difflib.get_close_matches(plain, known, 1, cutoff=0.85)
    if not near or plain.startswith(f"{near[0]}_") or plain.endswith(f"_{near[0]}"):
        return None
    return near[0]
