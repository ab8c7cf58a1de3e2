"""A real nginx in front of an installation, with the very file that operators copy."""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.product import ROOT
from tests.support.wait import eventually, free_port

FILE = ROOT / "docs" / "deploy" / "nginx.conf"
MAIN = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    include /etc/nginx/mime.types;
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/healthdeck.conf;
}}
"""


def program() -> str:
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    assert found, "nginx is not installed: make test installs it"
    return found


class Nginx:
    """Serves https on ``port``. ``change`` edits the file further: what is replaced must be in
    it. ``certificate`` is what a client must trust."""

    def __init__(self, folder: Path, backend: int, **change: tuple[str, str]) -> None:
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.certificate, key = folder / "certificate.pem", folder / "key.pem"
        _make_certificate(self.certificate, key)
        self._folder = folder
        lines = [line for line in FILE.read_text().splitlines() if "listen [::]" not in line]
        text = "\n".join(lines)
        for old, new in (
            ("server 127.0.0.1:8050;", f"server 127.0.0.1:{backend};"),
            ("listen 80;", f"listen 127.0.0.1:{self.plain_port};"),
            ("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
            ("/etc/letsencrypt/live/ops.example/fullchain.pem", str(self.certificate)),
            ("/etc/letsencrypt/live/ops.example/privkey.pem", str(key)),
            *change.values(),
        ):
            assert old in text, f"{FILE} has no '{old}'"
            text = text.replace(old, new)
        (folder / "healthdeck.conf").write_text(text, encoding="utf-8")
        # its workers would else run as a user who may not enter pytest's folders
        user = "user root;" if os.geteuid() == 0 else ""
        main = folder / "main.conf"
        main.write_text(MAIN.format(folder=folder, user=user), encoding="utf-8")
        self._process = subprocess.Popen(
            [program(), "-c", str(main), "-p", str(folder), "-e", str(folder / "error.log")]
        )
        try:
            eventually(self._runs, 10, "nginx runs")
        except AssertionError:
            self.stop()
            raise AssertionError(self.log()) from None

    def _runs(self) -> bool:
        assert self._process.poll() is None, self.log()
        return (self._folder / "nginx.pid").read_text().strip() != ""

    def log(self) -> str:
        file = self._folder / "error.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


def _make_certificate(file: Path, key_file: Path) -> None:
    """One for 127.0.0.1 that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A test of Healthdeck")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(addresses, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file.write_bytes(made.public_bytes(pem))
    plain = serialization.NoEncryption()
    key_file.touch(mode=0o600)
    key_file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
