"""The tokens by which agents are known: one for each server, which opens nothing but the door
for reports."""

from __future__ import annotations

import difflib
import hashlib
import secrets
import shlex
import threading
import time
from collections.abc import Callable, Mapping

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from models.agents import Agent
from models.database import Database
from services.errors import Conflict, InvalidToken, NotFound
from services.identity.audit import Actor, audit

PREFIX = "hda_"
RANDOM_BYTES = 32
MAX_TOKEN = 200
#: For this long a token is believed without asking the database: another process' revocation is
#: noticed no later.
CACHE_SECONDS = 5.0
CACHE_SIZE = 5000


class AgentTokens:
    """``sources`` tells the type of each server's source (None: it has none), as the inventory
    has it now. ``monotonic`` is seconds of a clock that nobody sets. Thread-safe."""

    def __init__(
        self,
        database: Database,
        sources: Callable[[], Mapping[str, str | None]],
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._sources = sources
        self._clock = clock
        self._monotonic = monotonic
        self._cache: dict[str, tuple[str, float]] = {}
        self._forgotten = 0
        self._lock = threading.Lock()

    def enroll(self, vps_id: str, actor: Actor) -> str:
        """A new token for a server's agent; the one before ends. Raises NotFound for a server
        that is not in the inventory, Conflict for one that has no agent as its source."""
        self._check(vps_id)
        token = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
        now = self._clock()
        try:
            self._write_token(vps_id, _digest(token), actor, now)
        except IntegrityError:
            raise Conflict(f"Somebody else enrolls '{vps_id}' at this moment; try again.") from None
        self._forget()
        return token

    def revoke(self, vps_id: str, actor: Actor) -> None:
        """Ends a server's token, here at once and in other processes within CACHE_SECONDS.
        Raises NotFound when there is none."""
        now = self._clock()
        with self._database.write() as session:
            ended = session.scalar(
                update(Agent)
                .where(Agent.vps_id == vps_id, Agent.revoked_at.is_(None))
                .values(revoked_at=now)
                .returning(Agent.vps_id)
            )
            if ended is None:
                raise NotFound(f"The VPS '{vps_id}' has no agent token that could be revoked.")
            audit(session, actor, "agent.revoke", vps_id, now)
        self._forget()

    def authenticate(self, token: str) -> str:
        """The id of the server whose agent holds a token. Raises InvalidToken."""
        if not token.startswith(PREFIX) or len(token) > MAX_TOKEN:
            raise InvalidToken(f"The token is not one of an agent: those begin with {PREFIX}.")
        digest = _digest(token)
        with self._lock:
            vps_id, checked = self._cache.get(digest, ("", 0.0))
            forgotten = self._forgotten
        if vps_id and self._monotonic() - checked <= CACHE_SECONDS:
            return vps_id
        checked = self._monotonic()
        query = select(Agent.vps_id).where(Agent.token_hash == digest, Agent.revoked_at.is_(None))
        with self._database.read() as session:
            found = session.scalar(query)
        with self._lock:
            self._cache.pop(digest, None)
            # What was read before a token ended must not be believed after it.
            if found is not None and forgotten == self._forgotten:
                if len(self._cache) >= CACHE_SIZE:
                    self._cache.clear()
                self._cache[digest] = (found, checked)
        if found is None:
            raise InvalidToken(
                "The agent's token is unknown, replaced or revoked; "
                "`python app.py enroll VPS_ID` on the hub makes a new one."
            )
        return found

    def _write_token(self, vps_id: str, digest: str, actor: Actor, now: float) -> None:
        with self._database.write() as session:
            row = Agent(vps_id=vps_id, version="", allows=[])
            row = session.get(Agent, vps_id, with_for_update=True) or row
            row.token_hash, row.enrolled_at, row.revoked_at = digest, now, None
            row.enrolled_by = actor.name[:100]
            session.add(row)
            audit(session, actor, "agent.enroll", vps_id, now)

    def _check(self, vps_id: str) -> None:
        sources = self._sources()
        if vps_id not in sources:
            near = difflib.get_close_matches(vps_id, sources, n=3, cutoff=0.5)
            known = ", ".join(sorted(sources)[:10]) or "none"
            hint = f"did you mean {' or '.join(near)}?" if near else f"known: {known}"
            raise NotFound(f"There is no VPS '{vps_id}' in the inventory; {hint}")
        source = sources[vps_id]
        if source != "agent":
            now = f"has the source '{source}'" if source else "has no source"
            raise Conflict(
                f"The VPS '{vps_id}' {now}, so no agent may report for it; "
                "write `source: {type: agent}` in its entry of the inventory first."
            )

    def _forget(self) -> None:
        with self._lock:
            self._cache.clear()
            self._forgotten += 1


def install_command(hub: str, token: str) -> str:
    """What to run on the server: fetches the agent and starts it. ``hub`` is our address as the
    server reaches it."""
    hub = hub.rstrip("/")
    archive = shlex.quote(f"{hub}/agent.pyz")
    return (
        f"curl -fsS {archive} -o agent.pyz && "
        f"python3 agent.pyz --hub {shlex.quote(hub)} --token {token}"
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
