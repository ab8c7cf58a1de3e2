"""The file of a backup: a gzipped tar that begins with a manifest. Any tar reads it too.

``manifest.json`` names the other members with their size and SHA-256, the kind of database and its
revision. After it come the database (``healthdeck.db`` of SQLite, ``healthdeck.dump`` of pg_dump)
and the secrets that lie beside it (``secret_key``, ``jwt_secret``).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from services.errors import ConfigurationError

FORMAT = 1
MANIFEST = "manifest.json"
DATABASES = {"sqlite": "healthdeck.db", "postgresql": "healthdeck.dump"}
SECRETS = ("secret_key", "jwt_secret")

MAX_MANIFEST = 64 * 1024
CHUNK = 1024 * 1024

#: Of gzip: half the size of the database, at ten times the speed of level 9.
LEVEL = 3

WRONG = (OSError, EOFError, zlib.error, tarfile.TarError)


@dataclass(frozen=True)
class Member:
    """A file in the archive: bytes, and their SHA-256 as hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. ``kind`` is a key of DATABASES, ``revision`` that of the schema,
    ``made_at`` seconds since the epoch."""

    kind: str
    revision: str
    made_at: float
    members: Mapping[str, Member]
    format: int = field(default=FORMAT)


def write(file: Path, manifest: Manifest, files: Mapping[str, Path]) -> None:
    """Writes a new archive, readable by its owner alone. Raises OSError."""
    file.touch(mode=0o600, exist_ok=False)
    with file.open("wb") as out:
        with (
            gzip.GzipFile("", "wb", LEVEL, out) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            text = json.dumps(asdict(manifest), indent=1).encode()
            _add(tar, MANIFEST, io.BytesIO(text), len(text), manifest.made_at)
            for name, member in manifest.members.items():
                with files[name].open("rb") as data:
                    _add(tar, name, data, member.size, manifest.made_at)
        out.flush()
        os.fsync(out.fileno())


def _add(tar: tarfile.TarFile, name: str, data: IO[bytes], size: int, at: float) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, at, 0o600
    tar.addfile(info, data)


def measure(file: Path) -> Member:
    """Size and SHA-256 of a file."""
    with file.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256")
        return Member(data.tell(), digest.hexdigest())


class Archive:
    """A backup that is being read: its manifest was, its members were not."""

    def __init__(self, file: Path, packed: gzip.GzipFile, tar: tarfile.TarFile) -> None:
        self.file = file
        self.manifest = _manifest(file, tar)
        self._packed = packed
        self._tar = tar

    def unpack(self, folder: Path) -> None:
        """Writes the members into ``folder``, each held against the manifest. Raises
        ConfigurationError when one is missing, cut off or other than it was."""
        try:
            sound = all(
                self._put(name, member, folder) for name, member in self.manifest.members.items()
            )
            while self._packed.read(CHUNK):  # to the checksum of the whole, at the end
                pass
        except EOFError:
            raise _truncated(self.file) from None
        except (zlib.error, gzip.BadGzipFile, tarfile.TarError):
            sound = False
        except OSError as error:
            raise ConfigurationError(
                f"The backup cannot be unpacked into {folder.parent}: {error.strerror}"
            ) from None
        if not sound:
            raise ConfigurationError(
                f"The backup {self.file} is damaged: what it holds is not what was put in. Take "
                "another copy"
            )

    def _put(self, name: str, member: Member, folder: Path) -> bool:
        info = self._tar.next()
        data = self._tar.extractfile(info) if info and info.name == name else None
        if info is None or data is None or info.size != member.size:
            return False
        return _copy(data, folder / name) == member.sha256


@contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """A backup to be read. Raises ConfigurationError for a file that is none, that is of a newer
    version, or that cannot be read."""
    try:
        stream = file.open("rb")
    except OSError as error:
        raise ConfigurationError(f"The backup {file} cannot be read: {error.strerror}") from None
    # tarfile's own reading of gzip would not notice broken bytes
    with stream, gzip.GzipFile(fileobj=stream) as packed:
        try:
            tar = tarfile.open(fileobj=packed, mode="r|")  # noqa: SIM115 - closed below
        except EOFError:
            raise _truncated(file) from None
        except WRONG:
            raise _no_backup(file) from None
        with tar:
            yield Archive(file, packed, tar)


def _manifest(file: Path, tar: tarfile.TarFile) -> Manifest:
    try:
        first = tar.next()
        data = tar.extractfile(first) if first and first.name == MANIFEST else None
        found: Any = json.loads(data.read(MAX_MANIFEST)) if data else None
    except EOFError:
        raise _truncated(file) from None
    except (*WRONG, ValueError, RecursionError):
        raise _no_backup(file) from None
    if not isinstance(found, dict) or not isinstance(found.get("format"), int):
        raise _no_backup(file)
    if found["format"] > FORMAT:
        raise ConfigurationError(
            f"The backup {file} was made by a newer version of Healthdeck; restore it with that one"
        )
    with suppress(KeyError, TypeError, AttributeError):
        members = {name: Member(**member) for name, member in found["members"].items()}
        manifest = Manifest(found["kind"], found["revision"], found["made_at"], members)
        if _is_sound(manifest):
            return manifest
    raise _no_backup(file)


def _is_sound(manifest: Manifest) -> bool:
    database = DATABASES.get(manifest.kind)
    return (
        database in manifest.members
        and manifest.members.keys() <= {database, *SECRETS}
        and isinstance(manifest.revision, str)
        and isinstance(manifest.made_at, int | float)
        and all(isinstance(member.size, int) for member in manifest.members.values())
    )


def _copy(data: IO[bytes], target: Path) -> str:
    digest = hashlib.sha256()
    target.touch(mode=0o600)
    with target.open("wb") as out:
        while chunk := data.read(CHUNK):
            digest.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _truncated(file: Path) -> ConfigurationError:
    return ConfigurationError(
        f"The backup {file} is cut off: its end is missing. Copy it again from where it was made"
    )


def _no_backup(file: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{file} is no backup of Healthdeck; give a file that `python app.py backup FILE` made"
    )
