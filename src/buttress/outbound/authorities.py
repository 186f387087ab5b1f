"""Whose certificates are believed beside those of every machine: what somebody told OpenSSL.

A house with an authority of its own names it in SSL_CERT_FILE, a file, or SSL_CERT_DIR, a folder. All that
asks by TLS here goes by them already. A program that is started without the environment has to be told.
"""

import ssl

import msgspec


class Authorities(msgspec.Struct, frozen=True):
    """Where the certificates of authorities are, as OpenSSL names them; None: nobody said anything."""

    file: str | None = None
    folder: str | None = None


def told_authorities(paths: ssl.DefaultVerifyPaths | None = None) -> Authorities:
    """Return what of `paths`, those of this process if there are none, is there and is not OpenSSL's own."""
    paths = paths or ssl.get_default_verify_paths()
    return Authorities(
        file=paths.cafile if paths.cafile != paths.openssl_cafile else None,
        folder=paths.capath if paths.capath != paths.openssl_capath else None,
    )
