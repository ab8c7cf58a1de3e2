"""Certificates made at start: an authority, and for each group of addresses one that is valid,
one that ends soon, one that has expired and one of a stranger."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAYS = {"valid": 90, "soon": 5, "expired": -2, "stranger": 90}
#: Addresses in one certificate.
GROUP = 64

_PEM = serialization.Encoding.PEM


class Certificates:
    """``ca`` is the file that a client must trust. ``choose`` says which sort of
    certificate a server shows from now on."""

    def __init__(self, folder: Path, addresses: Iterable[str], now: datetime.datetime) -> None:
        self._folder = folder
        self._now = now
        self._root, self._key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self._authority = self._named("Fleet test authority")
        self._stranger = self._named("Somebody else")
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(self._self_signed(self._authority).public_bytes(_PEM))
        ordered = list(dict.fromkeys(addresses))
        self._group = {address: at // GROUP for at, address in enumerate(ordered)}
        self._members = [ordered[at : at + GROUP] for at in range(0, len(ordered), GROUP)]
        self._contexts: dict[tuple[int, str], ssl.SSLContext] = {}
        self._shown: dict[str, str] = {}

    def context(self, place: str, address: str) -> ssl.SSLContext:
        """What the server at ``place`` shows to the next client."""
        wanted = self._group[address], self._shown.get(place, "valid")
        if wanted not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._files(*wanted))
            self._contexts[wanted] = context
        return self._contexts[wanted]

    def choose(self, place: str, sort: str) -> None:
        """``sort``: a key of DAYS."""
        self._shown[place] = sort

    def _files(self, group: int, sort: str) -> tuple[Path, Path]:
        certificate, key = (self._folder / f"{group}-{sort}.{end}" for end in ("pem", "key"))
        if not certificate.exists():
            certificate.write_bytes(self._issue(group, sort).public_bytes(_PEM))
            key.touch(mode=0o600)
            key.write_bytes(
                self._key.private_bytes(
                    _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
        return certificate, key

    def _issue(self, group: int, sort: str) -> x509.Certificate:
        addresses = self._members[group]
        names = [x509.IPAddress(ip_address(address)) for address in addresses]
        signer = ec.generate_private_key(ec.SECP256R1()) if sort == "stranger" else self._root
        issuer = self._stranger if sort == "stranger" else self._authority
        return (
            self._builder(addresses[0], DAYS[sort], self._key)
            .issuer_name(issuer)
            .add_extension(
                x509.SubjectAlternativeName([*names, x509.DNSName("localhost")]), critical=False
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
            .sign(signer, hashes.SHA256())
        )

    def _self_signed(self, name: x509.Name) -> x509.Certificate:
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
             "key_agreement", "encipher_only", "decipher_only"), False,
        )  # fmt: skip
        return (
            self._builder("Fleet test authority", 365, self._root)
            .issuer_name(name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._root.public_key()), critical=False
            )
            .sign(self._root, hashes.SHA256())
        )

    def _builder(
        self, name: str, days: int, key: ec.EllipticCurvePrivateKey
    ) -> x509.CertificateBuilder:
        day = datetime.timedelta(days=1)
        return (
            x509.CertificateBuilder()
            .subject_name(self._named(name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - 30 * day)
            .not_valid_after(self._now + days * day)
        )

    def _named(self, name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
