"""Keys, embedded pages and kept answers in both kinds of database, new and grown."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import select, text

import models
from models.database import Database
from models.identity import ApiKey, LoginSession
from services.errors import Conflict, InvalidToken
from services.events import Bus
from services.identity import Identity, Principal
from services.identity.audit import Actor, Wanted, audited
from services.identity.embeds import Wish
from services.settings import Settings
from tests.support.site import CHEAP

ACTOR = Actor("boss", "192.0.2.1")
CHIEF = Principal("boss", "super_admin", None, "session", "session:x")
PASSWORD = "correct horse battery"


def make(database: Database) -> Identity:
    settings = Settings(secret_key="s" * 40, jwt_secret="j" * 40)
    return Identity(database, settings, Bus(), hasher=CHEAP)


def test_a_database_of_the_fourth_schema_grows(database_url: str) -> None:
    database = Database(database_url)
    config = Config()
    config.set_main_option("script_location", str(Path(models.__file__).parent / "migrations"))
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        connection.commit()
    with database.write() as session:
        session.execute(
            text("INSERT INTO users (name, password_hash, role, created_at) "
                 "VALUES ('ops', 'x', 'super_admin', 1)")
        )  # fmt: skip
    database.migrate()
    with database.engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        assert (revision or "") >= "0007"
    assert [user["name"] for user in make(database).users.all()] == ["ops"]
    with database.read() as session:
        assert session.scalars(select(ApiKey)).all() == []
    database.close()


def test_keys_embeds_and_the_audit_work_in_both(database: Database) -> None:
    identity = make(database)
    made = identity.keys.create("k", "admin", ACTOR, ["acme"])
    holder = identity.authenticate_token(made["key"])
    assert (holder.scope, holder.via, holder.identity) == (frozenset({"acme"}), "key", "key:1")
    identity.keys.write_uses()
    token, _ = identity.embeds.create(Wish(5, vps=["vps-1"]), CHIEF, ACTOR)
    cookie, _ = identity.embeds.trade(token, "192.0.2.2")
    assert identity.authenticate_session(cookie)
    identity.keys.revoke(1, ACTOR)
    identity.forget_expired()
    found = audited(database, Wanted())
    assert [row["action"] for row in found] == [
        "key.revoke", "embed.open", "embed.create", "key.create",
    ]  # fmt: skip
    last = found[1]
    rest = audited(database, Wanted(), (last["at"], int(last["id"])))
    assert [row["action"] for row in rest] == ["embed.create", "key.create"]
    assert audited(database, Wanted(action="key.create", since=0, until=9e9)) == [found[3]]


def test_of_two_last_super_admins_one_stays(database: Database) -> None:
    identity = make(database)
    ids = [
        int(identity.users.create(f"u{n}", PASSWORD, "super_admin", ACTOR)["id"]) for n in (1, 2)
    ]
    together, found = threading.Barrier(2), list[str]()

    def leave(user_id: int) -> None:
        together.wait(10)
        try:
            identity.users.delete(user_id, ACTOR)
            found.append("gone")
        except Conflict:
            found.append("stays")

    threads = [threading.Thread(target=leave, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(found) == ["gone", "stays"]


def test_of_many_that_trade_one_token_one_wins(database: Database) -> None:
    identity = make(database)
    token, _ = identity.embeds.create(Wish(5), CHIEF, ACTOR)
    together, found = threading.Barrier(4), list[str]()

    def trade() -> None:
        together.wait(10)
        try:
            identity.embeds.trade(token, "")
            found.append("won")
        except InvalidToken:
            found.append("lost")

    threads = [threading.Thread(target=trade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(found) == ["lost", "lost", "lost", "won"]


def test_a_reset_password_ends_the_logins(database: Database) -> None:
    identity = make(database)
    identity.create_user("anna", PASSWORD, "admin")
    identity.log_in("anna", PASSWORD)
    identity.users.reset_password(" anna ", "another long password")
    with database.read() as session:
        assert session.scalars(select(LoginSession)).all() == []
    assert identity.log_in("anna", "another long password")
