"""`outbound.signing`: what a signature holds for, and what is a secret."""

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.outbound.signing import is_signed, signatures, signing_key

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        pytest.param(SECRET, KEY, id="as it is made"),
        pytest.param(f" {SECRET}\n", KEY, id="with the line end of a file"),
        pytest.param(SECRET.removeprefix("whsec_"), None, id="without what it begins with"),
        pytest.param("whsec_" + base64.b64encode(bytes(23)).decode(), None, id="too short"),
        pytest.param("whsec_" + base64.b64encode(bytes(65)).decode(), None, id="too long"),
        pytest.param("whsec_not base64 at all, this one", None, id="no base64"),
        pytest.param("whsec_ü" + SECRET, None, id="no ASCII"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_a_secret_is_taken_for_one_or_not(secret: str, key: bytes | None) -> None:
    assert signing_key(secret) == key


def test_a_signature_is_what_the_specification_says() -> None:
    """Written out by hand, so that a change of ours that receivers would refuse is seen."""
    signed = b"msg_1.1614265330." + b'{"test": 2432232314}'
    expected = "v1," + base64.b64encode(hmac.digest(KEY, signed, "sha256")).decode()
    assert signatures([KEY], "msg_1", 1614265330, b'{"test": 2432232314}') == expected


@given(st.text(max_size=20), st.integers(0, 2**40), st.binary(max_size=50))
def test_each_key_of_a_rotation_is_enough_and_no_other(message_id: str, at: int, body: bytes) -> None:
    header = signatures([KEY, b"b" * 24], message_id, at, body)
    assert is_signed(header, KEY, message_id, at, body)
    assert is_signed(header, b"b" * 24, message_id, at, body)
    assert not is_signed(header, b"c" * 24, message_id, at, body)
    assert not is_signed(header, KEY, message_id + "x", at, body)
    assert not is_signed(header, KEY, message_id, at + 1, body)
    assert not is_signed(header, KEY, message_id, at, body + b"x")


@pytest.mark.parametrize("header", ["", "v1,", "v1a,AAAA", "v1,snow ☃", "  "])
def test_what_is_no_signature_is_none(header: str) -> None:
    assert not is_signed(header, KEY, "m", 1, b"")
