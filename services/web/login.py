"""Coming in and leaving: the login page, the one-time set-up link, logout. No script needed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, make_response, redirect, render_template, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from services.container import current
from services.errors import (
    AuthenticationRequired,
    Conflict,
    HealthdeckError,
    InvalidToken,
    ValidationError,
)
from services.identity import SESSION_SECONDS
from services.web import errors, guard, limits
from services.web.throttle import Throttle

MAX_NEXT = 2000
THROTTLE = "healthdeck.login_throttle"

pages = Blueprint("login", __name__)


def install(server: Flask) -> None:
    """Adds /login, /logout and /setup. Failed logins are counted where limits are, so call it
    after ``limits.install``."""
    server.extensions[THROTTLE] = Throttle(limits.storage(server))
    server.register_blueprint(pages)


@pages.get("/login")
def show() -> ResponseReturnValue:
    """The form; whoever is logged in already is taken to where they wanted to go."""
    if not current().identity.has_users():
        return redirect(url("login.setup"), 303)
    wanted = local_path(request.args.get("next"))
    if guard.identify():
        return redirect(wanted, 303)
    return render_template("login.html", next=wanted, left="left" in request.args)


@pages.post("/login")
def log_in() -> ResponseReturnValue:
    """Name and password for a session cookie. 401 when wrong, 429 after too many failures."""
    name, password = request.form.get("name", ""), request.form.get("password", "")
    wanted = local_path(request.form.get("next"))
    throttle: Throttle = current_app.extensions[THROTTLE]
    tried = (limits.address(), name.strip().casefold()[:100])
    try:
        if not name.strip() or not password:
            raise ValidationError("Enter your name and your password.")
        throttle.admit(*tried)
        cookie = current().identity.log_in(name, password, address=_address())
    except (AuthenticationRequired, ValidationError, errors.RateLimited) as error:
        return _again("login.html", error, next=wanted, name=name)
    throttle.forgive(*tried)
    return _with_cookie(redirect(wanted, 303), cookie)


@pages.post("/logout")
def log_out() -> ResponseReturnValue:
    """Ends the session everywhere it is used: other tabs, sockets."""
    if cookie := request.cookies.get(guard.cookie_name()):
        current().identity.log_out(cookie, _address())
    response = redirect(url("login.show", left=1), 303)
    response.delete_cookie(
        guard.cookie_name(), secure=request.is_secure, httponly=True, samesite="Lax"
    )
    return response


@pages.get("/setup")
def setup() -> ResponseReturnValue:
    """The form behind the one-time link; without a link, how to get one."""
    identity, token = current().identity, request.args.get("token", "")
    if identity.has_users():
        if token:
            raise Conflict("Healthdeck is set up already: the set-up link works once.")
        return redirect(url("login.show"), 303)
    if not token:
        return render_template("message.html", title="Healthdeck has no user yet", first=True)
    if not identity.check_setup_token(token):
        raise InvalidToken("The set-up link is wrong or older than a day.")
    return render_template("setup.html", token=token)


@pages.post("/setup")
def create_first_user() -> ResponseReturnValue:
    """Makes the first super_admin and logs them in."""
    form, identity = request.form, current().identity
    name, password, token = form.get("name", ""), form.get("password", ""), form.get("token", "")
    try:
        if password != form.get("again", ""):
            raise ValidationError("The two passwords differ. Type them again.")
        identity.create_first_user(token, name, password, _address())
    except ValidationError as error:
        return _again("setup.html", error, token=token, name=name)
    return _with_cookie(redirect("/", 303), identity.log_in(name, password, address=_address()))


def _address() -> str:
    return request.remote_addr or ""


def local_path(text: str | None) -> str:
    """Where to go after the login: a path of our own, or else the start page. Browsers read
    ``//host``, ``/\\host`` and ``/<tab>/host`` as another site's address."""
    if not text or len(text) > MAX_NEXT or not text.isprintable():
        return "/"
    if not text.startswith("/") or text.startswith("//") or "\\" in text:
        return "/"
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    if parts.scheme or parts.netloc or parts.path in ("/login", "/logout", "/setup"):
        return "/"
    return text


def _again(template: str, error: HealthdeckError, **fields: Any) -> Response:
    """The form once more, with what was wrong; for a program the error as JSON."""
    if not errors.wants_page():
        raise error
    return errors.dress(make_response(render_template(template, error=error, **fields)), error)


def _with_cookie(response: Response, cookie: str) -> Response:
    response.set_cookie(
        guard.cookie_name(),
        cookie,
        max_age=SESSION_SECONDS,
        path="/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response
