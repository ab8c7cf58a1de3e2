"""An answer of any length, read while it comes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx

from healthdeck_client.errors import ConnectionFailed

_NAMED = re.compile(r'filename="([^"/\\]+)"')


class Download:
    """Iterate over it once for the bytes, or ``save`` it; nothing is asked for before that. An
    answer that breaks off raises ConnectionFailed, and so is never taken for the whole."""

    def __init__(self, ask: Callable[[], httpx.Response]) -> None:
        self._ask = ask
        #: The name that the server gives the file, once its answer has begun.
        self.name = ""

    def __iter__(self) -> Iterator[bytes]:
        answer = self._ask()
        try:
            named = _NAMED.search(answer.headers.get("Content-Disposition", ""))
            self.name = named[1] if named else ""
            yield from answer.iter_bytes()
        except httpx.HTTPError as error:
            raise ConnectionFailed(
                f"The answer broke off: {error or type(error).__name__}"
            ) from None
        finally:
            answer.close()

    def save(self, path: str | os.PathLike[str]) -> int:
        """Writes a file and gives its size. It gets its name when it is whole; one that broke off
        is taken away, and what stood there before stays."""
        target = Path(path)
        part = target.with_name(f"{target.name}.part")
        size = 0
        try:
            with part.open("wb") as file:
                for piece in self:
                    size += file.write(piece)
            part.replace(target)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()
        return size
