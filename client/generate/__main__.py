"""``python -m client.generate`` writes the generated files anew, from the operations that this
tree has; with ``--check`` it only says, by exit code 1, whether they are stale."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from client.generate import python, typescript
from client.generate.document import Document
from services.web import rest
from services.web.rest import docs, openapi

CLIENT = Path(__file__).resolve().parents[1]
PACKAGE = "src/healthdeck_client"


def main(arguments: list[str]) -> int:
    """Exit code: 0 done or up to date, 1 stale, 2 usage."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m client.generate [--check]\n")
        return 2
    files = generated(Document(document()))
    stale = [name for name, text in files.items() if _now(name) != text]
    if arguments:
        sys.stderr.writelines(f"client/{name} is stale\n" for name in stale)
        return 1 if stale else 0
    for name in stale:
        (CLIENT / name).write_text(files[name], encoding="utf-8")
        sys.stdout.write(f"wrote client/{name}\n")
    return 0


def document() -> dict[str, Any]:
    """The OpenAPI document of this tree."""
    operations = [one for part in rest.PARTS for one in part.routes]
    return openapi.document(operations, docs.VERSION, "https://healthdeck.example")


def generated(wanted: Document) -> dict[str, str]:
    """The text of each generated file by its place in client/."""
    return {
        f"{PACKAGE}/types.py": _formatted(python.types_module(wanted)),
        f"{PACKAGE}/operations.py": _formatted(python.operations_module(wanted)),
        "schema.ts": typescript.schema_module(wanted),
        "operations.ts": typescript.operations_module(wanted),
    }


def _formatted(text: str) -> str:
    """As ``ruff format`` writes it; it comes with what the tests need."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--line-length", "100", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        cwd=CLIENT,
    )
    return done.stdout


def _now(name: str) -> str:
    path = CLIENT / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
