"""A POST to an address that somebody else wrote down: checked, pinned, bounded in time.

The host is looked up once, every address is judged, and the connection goes to a judged address
while the Host header and the certificate are those of the name. No redirect is followed, no
proxy is asked, and of the answer only the status and Retry-After are used: a body could carry
what the caller must not see.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from yarl import URL

from services.notify.address_guard import Network, refusal
from services.notify.bounded import Late, within
from services.notify.channels import DeliveryError
from services.notify.retry import Reason

LIMIT = 10.0
#: Seconds that somebody who saves an address waits for its name to be looked up.
_PATIENCE = 3.0

#: The addresses of a host; raises OSError when there are none.
Resolver = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    retry_after: str | None


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host as the system knows them, numeric short forms included."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class Outbound:
    """``allow``: special networks that may be reached. ``limit``: seconds for everything, from
    the look-up of the name to the status of the answer."""

    def __init__(
        self, allow: Sequence[Network] = (), resolver: Resolver = resolve, limit: float = LIMIT
    ) -> None:
        self._allow = tuple(allow)
        self._resolve = resolver
        self._limit = limit
        self._tls = ssl.create_default_context()

    def refusal(self, text: str) -> str | None:
        """Why a URL would not be called, as far as that is known now; None when it may be called,
        or when its name cannot be looked up within 3 s. Said when an address is saved; it is judged
        again whenever it is used, since a name may lead elsewhere by then."""
        patience = min(self._limit, _PATIENCE)
        try:
            within(patience, lambda: self._checked(text), "notify-look-up")
        except DeliveryError as error:
            return error.message if error.permanent else None
        except Late:
            return None
        return None

    def post(self, text: str, headers: Mapping[str, str], data: bytes) -> Answer:
        """The answer to one POST; DeliveryError when there is none, or none may be asked for."""
        import aiohttp  # 19 MB that an installation without webhooks does without

        ends = time.monotonic() + self._limit
        url, addresses = self._checked(text)
        try:
            return asyncio.run(self._post(url, addresses, headers, data, ends))
        except TimeoutError:
            said, reason = f"did not answer within {self._limit:g} s", Reason.TIMEOUT
        except aiohttp.ClientSSLError as error:
            said, reason = f"gives no secure connection: {error.os_error}", Reason.TLS_FAILED
        except aiohttp.ClientConnectorError as error:
            # asyncio puts its own words with the address in the place of the system's.
            said = f"takes no connection: {os.strerror(error.os_error.errno or 0)}"
            reason = Reason.CONNECTION_FAILED
        except (aiohttp.ServerDisconnectedError, OSError):
            said, reason = "closed the connection without an answer", Reason.CONNECTION_FAILED
        except aiohttp.ClientError:
            # The text of these errors quotes the receiver's bytes.
            said, reason = "gave an answer that is not HTTP", Reason.CONNECTION_FAILED
        raise DeliveryError(f"{url.host} {said}.", permanent=False, reason=reason)

    def _checked(self, text: str) -> tuple[URL, Sequence[str]]:
        """The URL and the addresses that it may be reached at. The one look-up of its name: a
        second one could give an address that nobody has judged."""
        try:
            url = URL(text)
            host = url.raw_host or ""
            addresses = self._resolve(host, url.port or 443)
        except OSError as error:
            raise DeliveryError(
                f"The host {host} cannot be resolved: {error.strerror or error}.",
                permanent=False,
                reason=Reason.NAME_UNRESOLVED,
            ) from None
        except ValueError as error:
            raise DeliveryError(
                f"The webhook's URL is no web address: {error}.",
                permanent=True,
                reason=Reason.ADDRESS_INVALID,
            ) from None
        for address in addresses:
            if why := refusal(address, self._allow):
                raise DeliveryError(
                    f"{host} is not called: {why}. WEBHOOK_ALLOW names the networks that may "
                    "be called all the same.",
                    permanent=True,
                    reason=Reason.ADDRESS_REFUSED,
                )
        return url, addresses

    async def _post(
        self,
        url: URL,
        addresses: Sequence[str],
        headers: Mapping[str, str],
        data: bytes,
        ends: float,
    ) -> Answer:
        import aiohttp

        host = (url.raw_host or "").rstrip(".")
        async with (
            asyncio.timeout(ends - time.monotonic()),
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._tls, force_close=True),
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={**headers, "Host": url.host_port_subcomponent or host},
            ) as session,
        ):
            refused: aiohttp.ClientConnectorError | None = None
            for address in addresses:
                try:
                    async with session.post(
                        url.with_host(address),
                        data=data,
                        allow_redirects=False,
                        server_hostname=host if url.scheme == "https" else None,
                    ) as response:
                        return Answer(response.status, response.headers.get("Retry-After"))
                except aiohttp.ClientConnectorError as error:
                    # Nothing was sent yet, so the next address of the same host may be tried.
                    refused = error
            raise refused or ConnectionError
