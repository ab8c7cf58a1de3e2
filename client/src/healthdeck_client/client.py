"""``Healthdeck``: the API and the stream of one server."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from healthdeck_client.operations import Operations
from healthdeck_client.stream import Stream, Wanted


class Healthdeck(Operations):
    """A server, by its address and a token (a JWT or an API key). The methods are named as the
    operations of its OpenAPI document; requests that are answered 429 or 503 are sent again when
    the server says, POSTs with an Idempotency-Key of their own.

    with Healthdeck("https://healthdeck.example", token) as deck:
        print(deck.get_health_overview()["overall"]["status"])
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def stream(
        self,
        *,
        vps: Sequence[str] = (),
        tenants: Sequence[str] = (),
        alerts: bool = False,
        reconnect: bool = True,
    ) -> Stream:
        """What happens, as it happens: the overview's changes, and those of the servers, tenants
        and alerts that are named. Connects at the first event that is asked for."""
        wanted = Wanted(tuple(vps), tuple(tenants), alerts)
        return Stream(self.url, self._bearer, wanted, reconnect=reconnect, tls=self._tls)
