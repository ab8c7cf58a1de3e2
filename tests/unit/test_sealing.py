"""Secrets at rest."""

from __future__ import annotations

import pytest

from services.sealing import Sealer, Unsealable

KEY = "k" * 40


def test_what_is_sealed_comes_back_with_the_same_key_alone() -> None:
    sealed = Sealer(KEY).seal("whsec_c2VjcmV0 é")
    assert sealed.startswith("v1.")
    assert "secret" not in sealed
    assert "c2VjcmV0" not in sealed
    assert Sealer(KEY).open(sealed) == "whsec_c2VjcmV0 é"
    with pytest.raises(Unsealable):
        Sealer("other" * 8).open(sealed)


def test_the_same_text_never_looks_the_same() -> None:
    sealer = Sealer(KEY)
    assert sealer.seal("a") != sealer.seal("a")


@pytest.mark.parametrize("odd", ["", "v1.", "v1.é", "plain", "v2.gAAAA", "v1"])
def test_what_was_not_sealed_so_is_refused(odd: str) -> None:
    with pytest.raises(Unsealable):
        Sealer(KEY).open(odd)


def test_what_was_altered_is_refused() -> None:
    sealed = Sealer(KEY).seal("secret")
    for at in (5, len(sealed) // 2, len(sealed) - 8):
        other = "A" if sealed[at] != "A" else "B"
        with pytest.raises(Unsealable):
            Sealer(KEY).open(sealed[:at] + other + sealed[at + 1 :])
