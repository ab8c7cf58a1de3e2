"""Passwords: the rule that they must meet, and their argon2id hashes."""

from __future__ import annotations

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.errors import Unavailable, ValidationError

MIN_LENGTH = 12
MAX_LENGTH = 1024
#: Each hash takes 19 MiB and some 30 ms of a core: more at once would let strangers at the login
#: page take the memory and the processor that the monitoring needs.
AT_ONCE = 2
WAIT_SECONDS = 10.0


def default_hasher() -> PasswordHasher:
    """argon2id with the OWASP password storage cheat sheet's first choice of parameters."""
    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


class Passwords:
    """Hashes and verifies. Verifying against no hash costs the same as against a wrong one, so
    the time of an answer does not tell which names exist."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._nobody: str | None = None
        self._nobody_lock = threading.Lock()

    def hash(self, password: str) -> str:
        """Raises ValidationError for a password that is too short or too long."""
        text = _normal(password)
        if len(text) < MIN_LENGTH:
            raise ValidationError(f"The password must have at least {MIN_LENGTH} characters.")
        if len(text) > MAX_LENGTH:
            raise ValidationError(f"The password must have at most {MAX_LENGTH} characters.")
        return self._hash(text)

    def renew(self, password: str) -> str:
        """Today's hash of a password that is in use, whatever today's rule says of it."""
        return self._hash(_normal(password))

    def verify(self, known: str | None, password: str) -> bool:
        """Whether the password belongs to the hash; None stands for an unknown user."""
        text = _normal(password)[: MAX_LENGTH + 1]
        self._take_slot()
        try:
            matches = self._hasher.verify(known or self._hash_of_nobody(), text)
        except (VerificationError, InvalidHashError):
            return False
        finally:
            self._slots.release()
        return matches and known is not None

    def outdated(self, known: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(known)

    def _hash(self, text: str) -> str:
        self._take_slot()
        try:
            return self._hasher.hash(text)
        finally:
            self._slots.release()

    def _hash_of_nobody(self) -> str:
        with self._nobody_lock:
            if self._nobody is None:
                self._nobody = self._hasher.hash("nobody's password")
            return self._nobody

    def _take_slot(self) -> None:
        if not self._slots.acquire(timeout=WAIT_SECONDS):
            raise Unavailable("Too many logins at once. Try again in a few seconds.")


def _normal(password: str) -> str:
    # The same letter can be typed as one or two code points, by keyboard and system. A lone
    # surrogate cannot be typed at all; it becomes a character that no stored password has.
    return unicodedata.normalize("NFC", password.encode("utf-8", "replace").decode("utf-8"))
