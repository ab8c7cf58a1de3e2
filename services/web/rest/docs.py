"""The API's description: the OpenAPI document, and a page that shows it."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, make_response, render_template, request

from services.web import vendor
from services.web.rest import openapi
from services.web.rest.operation import Routes

VERSION = "1.0.0"
OPERATIONS = "healthdeck.operations"

routes = Routes("Operations")


@routes.get("/api/openapi.json", who="anyone")
def get_openapi() -> dict[str, Any]:
    """This description, as OpenAPI 3.1."""
    url = request.root_url.rstrip("/")
    return openapi.document(current_app.extensions[OPERATIONS], VERSION, url)


@routes.get("/api/docs", who="anyone", media=("text/html",))
def get_docs() -> Response:
    """This description as a page.

    Its files come from this server alone."""
    page = render_template(
        "docs.html",
        script=vendor.url("swagger-ui-bundle.js"),
        style=vendor.url("swagger-ui.css"),
    )
    return make_response(page)
