"""``/api/admin/embed-tokens``: what the portal's backend asks for to embed a page."""

from __future__ import annotations

from typing import Annotated, Any

from flask import g
from pydantic import Field, Strict

from services.container import acting, current
from services.identity.embeds import MAX_MINUTES, Wish
from services.times import iso
from services.web.rest.keys import Ids
from services.web.rest.operation import Answer, Body, Routes

routes = Routes("Identity")

Page = Annotated[str, Field(pattern=r"^/health(/[A-Za-z0-9._-]+)*$", max_length=200)]
Pages = Annotated[tuple[Page, ...], Field(min_length=1, max_length=1000), Strict(False)]


class NewEmbed(Body):
    """``minutes`` is the life of the session. What is left out does not narrow it: ``tenants`` and
    ``vps`` what is seen, ``pages`` which pages open (then the API does not)."""

    minutes: float = Field(gt=0, le=MAX_MINUTES, allow_inf_nan=False)
    tenants: Ids | None = None
    vps: Ids | None = None
    pages: Pages | None = None


class EmbedToken(Answer):
    token: str
    expires_at: str


@routes.post(
    "/api/admin/embed-tokens", body=NewEmbed, answer=EmbedToken, status=201, tells_secret=True
)
def create_embed_token(body: NewEmbed) -> dict[str, Any]:
    """A one-time token for a page in a frame.

    For /embed?to=/health#token=...; expiresAt tells until when it can be traded there. 403 for
    tenants that the caller may not see."""
    wish = Wish(body.minutes, body.tenants, body.vps, body.pages)
    token, ends = current().identity.embeds.create(wish, g.principal, acting())
    return {"token": token, "expiresAt": iso(ends)}
