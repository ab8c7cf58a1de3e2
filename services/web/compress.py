"""Pages and their files travel compressed; of files the compressed form is kept. Answers of the
API stay as they are: most callers are near, and what is long is streamed."""

from __future__ import annotations

from flask import Flask, Response, request
from flask_compress import Compress

from services.web.headers import STATIC

CALLBACKS = "/_dash-"
#: Of an answer that is made anew each time; more costs more time than it saves.
LEVEL = 3


class _Kept(dict[str, bytes]):
    """Compressed files by their path: as many as there are files."""

    set = dict.__setitem__


def install(server: Flask) -> None:
    """Compresses what browsers load. Call it before whatever looks at bodies."""
    server.config["COMPRESS_REGISTER"] = False
    files = Compress()
    files.init_app(server)
    files.cache, files.cache_key = _Kept(), lambda sent: str(sent.path)
    server.config.update(COMPRESS_LEVEL=LEVEL, COMPRESS_BR_LEVEL=LEVEL, COMPRESS_ZSTD_LEVEL=LEVEL)
    answers = Compress()
    answers.init_app(server)

    def after(response: Response) -> Response:
        if request.path.startswith("/api/") or response.status_code != 200:
            return response
        if request.path.startswith(STATIC):
            response.direct_passthrough = False
            response.get_data()
            return files.after_request(response)
        if response.mimetype == "text/html" or request.path.startswith(CALLBACKS):
            return answers.after_request(response)
        return response

    server.after_request(after)
