"""The agent as one file: a zip that Python runs. The hub serves it, ``GET /agent.pyz``.

The same sources make the same bytes everywhere: sorted, uncompressed (zlib's releases differ),
without times.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from functools import cache
from pathlib import Path

_SERVICES = Path(__file__).resolve().parents[1]

#: What the agent is made of, beside its own folder.
_SHARED = ("host.py", "observation.py")
_OWN = Path(__file__).name

#: Understood by every Python, so that an old one says what is wrong.
_MAIN = """\
import sys

if sys.version_info < (3, 11):
    sys.exit("The agent needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2])

from services.agent.cli import main

sys.exit(main())
"""


@cache
def agent_archive() -> bytes:
    """The bytes of ``agent.pyz``: Python's own modules and psutil are all that it needs."""
    files = {"__main__.py": _MAIN.encode(), "services/__init__.py": b""}
    for path in sorted([*(_SERVICES / name for name in _SHARED), *_agent_files()]):
        files[f"services/{path.relative_to(_SERVICES).as_posix()}"] = path.read_bytes()
    made = io.BytesIO()
    made.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, content)
    return made.getvalue()


@cache
def agent_archive_sha256() -> str:
    """Of the bytes, in hex: the ETag of the file, and what an operator may compare."""
    return hashlib.sha256(agent_archive()).hexdigest()


def _agent_files() -> list[Path]:
    return [path for path in (_SERVICES / "agent").glob("*.py") if path.name != _OWN]
