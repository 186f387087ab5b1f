"""Authorities that somebody told OpenSSL of."""

import ssl

import pytest

from buttress.outbound.authorities import Authorities, told_authorities

OWN_FILE, OWN_FOLDER = "/own/cert.pem", "/own/certs"


@pytest.mark.parametrize(
    ("file", "folder", "told"),
    [
        pytest.param(OWN_FILE, OWN_FOLDER, Authorities(), id="those of the machine need no word"),
        pytest.param(None, None, Authorities(), id="what is not there is not told"),
        pytest.param("/house.pem", OWN_FOLDER, Authorities(file="/house.pem"), id="a file"),
        pytest.param(None, "/house", Authorities(folder="/house"), id="a folder"),
        pytest.param("/house.pem", "/house", Authorities("/house.pem", "/house"), id="both"),
    ],
)
def test_what_somebody_said_is_told(file: str | None, folder: str | None, told: Authorities) -> None:
    paths = ssl.DefaultVerifyPaths._make(
        (file, folder, "SSL_CERT_FILE", OWN_FILE, "SSL_CERT_DIR", OWN_FOLDER)
    )
    assert told_authorities(paths) == told


def test_this_process_is_asked_itself() -> None:
    assert told_authorities() == told_authorities(ssl.get_default_verify_paths())
