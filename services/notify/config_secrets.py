"""The secrets of contacts that are written in the UI: taken in once, shown to nobody, encrypted at
rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError as Invalid

from services.inventory.people import Contact
from services.inventory.references import plain_name
from services.notify.config_rows import Kept
from services.sealing import Sealer, Unsealable

#: What is shown in the place of a secret, and sent back where it stays.
MASK = "********"
#: What stands for a secret that is kept while the rest is checked.
_STANDS_FOR = {"webhook": "kept", "apprise": "kept://kept"}

Spec = Mapping[str, Any]


class Secrets:
    """The secrets that are kept, and those that come with a new version."""

    def __init__(self, sealer: Sealer, kept: Kept) -> None:
        self._sealer = sealer
        self._sealed = kept.sealed
        self._before = {
            plain_name(str(spec.get("name"))): spec for spec in kept.spec.get("contacts", ())
        }

    def prepared(self, spec: Spec) -> tuple[dict[str, Any], str | None]:
        """A contact as it was sent, with something in the place of each secret that is kept, so
        that it can be checked; and what is wrong with its webhook's secret, if anything is."""
        prepared, problem = dict(spec), None
        sent = spec.get("webhook")
        if isinstance(sent, dict) and sent.get("secret", MASK) == MASK:
            prepared["webhook"] = {**sent, "secret": _STANDS_FOR["webhook"]}
            problem = self._not_kept(spec, sent.get("url"))
        if spec.get("apprise", MASK) == MASK:
            prepared["apprise"] = _STANDS_FOR["apprise"] if self._of(spec, "apprise") else None
        return prepared, problem

    def sealed(self, spec: Spec) -> dict[str, str]:
        """The secrets of a contact that was checked, by field: new ones, and those that stay."""
        found = {}
        webhook, apprise = spec.get("webhook"), spec.get("apprise", MASK)
        if webhook:
            found["webhook"] = self._seal(spec, "webhook", webhook.get("secret", MASK))
        if apprise is not None:
            found["apprise"] = self._seal(spec, "apprise", apprise)
        return {name: text for name, text in found.items() if text}

    def changed(self, spec: Spec) -> Iterator[str]:
        """The fields for which a secret was given."""
        if (spec.get("webhook") or {}).get("secret", MASK) != MASK:
            yield "webhook"
        if spec.get("apprise", MASK) not in (None, MASK):
            yield "apprise"

    def opened(self, spec: Spec) -> tuple[Contact | None, str | None]:
        """A contact that is kept, with its secrets, and what is wrong with it. One whose secrets
        cannot be read is there without them; None when it cannot be read at all."""
        whole, unreadable = dict(spec), []
        for field in ("webhook", "apprise"):
            if not spec.get(field):
                continue
            try:
                secret = self._sealer.open(self._of(spec, field) or "")
            except Unsealable:
                unreadable.append(field)
                whole[field] = None
            else:
                whole[field] = {**spec[field], "secret": secret} if field == "webhook" else secret
        if unreadable and (spec.get("fallback") or {}).get("channel") in unreadable:
            whole["fallback"] = None
        try:
            contact = Contact.model_validate(whole)
        except Invalid:
            return None, "It cannot be read; write it anew."
        if not unreadable:
            return contact, None
        return contact, (
            f"The secret of its {' and its '.join(unreadable)} cannot be read, for SECRET_KEY was "
            "changed since it was written. Write it anew, or bring the old SECRET_KEY back."
        )

    def _seal(self, spec: Spec, field: str, given: str) -> str | None:
        return self._of(spec, field) if given == MASK else self._sealer.seal(given)

    def _of(self, spec: Spec, field: str) -> str | None:
        return self._sealed.get(plain_name(str(spec.get("name"))), {}).get(field)

    def _not_kept(self, spec: Spec, url: object) -> str | None:
        """Why a secret that was not sent is not the one that is kept."""
        before = self._before.get(plain_name(str(spec.get("name"))), {}).get("webhook") or {}
        if not self._of(spec, "webhook") or not before:
            return "no secret is kept for this contact; give a random text of some 32 characters"
        if before.get("url") != url:
            return "the address is another one, and a secret is not sent elsewhere; give it anew"
        return None


def masked(contact: Contact) -> dict[str, Any]:
    """A contact as it is shown and stored."""
    spec = contact.model_dump(mode="json", by_alias=True)
    if spec["webhook"]:
        spec["webhook"]["secret"] = MASK
    if spec["apprise"]:
        spec["apprise"] = MASK
    return spec
