"""Secrets at rest: encrypted by a key that follows from SECRET_KEY.

The key is HKDF-SHA256 (RFC 5869) of SECRET_KEY, so that what else is signed with it shares no key
with this; the cipher is Fernet (AES-128-CBC and HMAC-SHA256). What is sealed begins with the
version of all that, so that another way can come beside it.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = "v1"
_PURPOSE = b"healthdeck secrets at rest v1"


class Unsealable(Exception):
    """What was sealed cannot be opened: SECRET_KEY is another one by now, or it was altered."""


class Sealer:
    """Seals and opens with one SECRET_KEY. Thread-safe."""

    def __init__(self, secret_key: str) -> None:
        key = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def seal(self, text: str) -> str:
        """A text that only ``open`` with the same key turns back; each time another one."""
        return f"{_VERSION}.{self._fernet.encrypt(text.encode()).decode()}"

    def open(self, sealed: str) -> str:
        """What was sealed. Raises Unsealable."""
        version, _, token = sealed.partition(".")
        if version != _VERSION:
            raise Unsealable
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise Unsealable from None
