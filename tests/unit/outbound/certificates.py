"""Certificates for the tests of what is encrypted, made on the spot."""

import shutil
import subprocess
from pathlib import Path

import pytest


def certificate_for(name: str, folder: Path) -> Path:
    """Return a certificate for `name`, a host or an address, with its key, in one file in `folder`.

    Where there is no openssl the test is skipped.
    """
    if not (openssl := shutil.which("openssl")):
        pytest.skip("there is no openssl to make a certificate with")
    made = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name}"
    files = ["-keyout", "key.pem", "-out", "cert.pem"]
    kind = "IP" if name.replace(".", "").isdigit() else "DNS"
    command = [openssl, *made.split(), *files, "-addext", f"subjectAltName={kind}:{name}"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return both
