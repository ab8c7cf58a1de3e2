"""The channel email: SMTP, in one thread for each alert."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr

from services.channel_values import MailServer
from services.notify.channels import DeliveryError, Message, Receipt, Words
from services.notify.channels.recipient import Contacts, contact_of, gone
from services.notify.channels.smtp import session
from services.notify.outbound import LIMIT
from services.notify.retry import Reason
from services.notify.templates.parts import Rendered, one_line
from services.rule import Channel

#: Without what would have to be quoted: nobody has such an address, but attackers.
_ADDRESS = re.compile(r"""([^\s@"(),:;<>\[\\\]]+)@([^\s@"(),:;<>\[\\\]]+)""")

#: Bytes of a whole mail; an alert has a few thousand.
LARGEST = 1024 * 1024


class Email:
    """``sender``: an address, or a name with one; ``words`` writes the messages; ``limit``: seconds
    for all."""

    name = Channel.EMAIL.value

    def __init__(
        self,
        server: MailServer,
        sender: str,
        contacts: Contacts,
        words: Words,
        limit: float = LIMIT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        name, spec = parseaddr(sender)
        self._server = server
        self._sender = Address(name, addr_spec=spec)
        self._contacts = contacts
        self._words = words
        self._limit = limit
        self._clock = clock
        self._tls = ssl.create_default_context()

    def send(self, message: Message) -> Receipt:
        to = self._recipient(message.recipient)
        said = self._words(message)
        mail = self._mail(message, to, said)
        beyond = not to.addr_spec.isascii()
        data = mail.as_bytes(policy=SMTP.clone(utf8=beyond))
        if (size := len(data)) > LARGEST:
            raise DeliveryError(
                f"The mail has {size / 1024 / 1024:.1f} MiB, and more than 1 MiB is not sent; "
                "shorten what the check reports, or the template.",
                permanent=True,
                reason=Reason.REJECTED,
            )
        with session(self._server, self._tls, self._limit) as talk:
            options = ["SMTPUTF8", "BODY=8BITMIME"] if beyond else []
            talk.sendmail(self._sender.addr_spec, [to.addr_spec], data, options)
        return Receipt(str(mail["Message-ID"]).strip("<>")[:200], note=said.note)

    def _recipient(self, recipient: str) -> Address:
        contact = contact_of(recipient, self._contacts())
        written = contact.email if contact else recipient
        if not written or "@" not in written:
            gone(recipient, "an e-mail address")
        try:
            found = _ADDRESS.fullmatch(written.strip())
            domain = found[2].encode("idna").decode() if found else ""
        except UnicodeError:  # a label that is empty, too long, or of no script
            domain = ""
        if not found or not domain or not written.strip().isprintable():
            raise DeliveryError(
                f"'{written}' is no e-mail address.", permanent=True, reason=Reason.ADDRESS_INVALID
            )
        return Address(username=found[1], domain=domain)

    def _mail(self, message: Message, to: Address, said: Rendered) -> EmailMessage:
        """All attempts have the same Message-ID. The mails of an alert answer a first one that
        nobody ever sent, so that they lie together also where the firing was not received."""
        mail = EmailMessage(policy=SMTP)
        mail["Subject"] = one_line(said.subject)
        mail["From"] = self._sender
        mail["To"] = to
        mail["Date"] = datetime.fromtimestamp(int(self._clock()), UTC)
        mail["Message-ID"] = f"<{message.id}@{self._sender.domain}>"
        if message.alert_id:
            first = f"<alert.{message.alert_id}@{self._sender.domain}>"
            mail["In-Reply-To"] = mail["References"] = first
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail.set_content(said.text, cte="quoted-printable")
        if said.html:
            mail.add_alternative(said.html, subtype="html", cte="quoted-printable")
        return mail
