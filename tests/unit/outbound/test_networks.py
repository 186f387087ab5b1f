"""`outbound.networks`: whose an address is."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.outbound.networks import is_barred, is_public, may_be_own


@pytest.mark.parametrize(
    ("address", "barred"),
    [
        ("169.254.1.1", True),
        ("fe80::1%eth0", True),
        ("fd00:ec2::254", True),
        ("100.100.100.200", True),
        ("168.63.129.16", True),
        ("::ffff:192.0.0.192", True),
        ("64:ff9b::169.254.169.254", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("::1", False),
        ("fd00::7", False),
    ],
)
def test_where_clouds_keep_credentials_is_never_asked(address: str, *, barred: bool) -> None:
    assert is_barred(address) is barred
    if barred:
        assert not is_public(address)
        assert not may_be_own(address)


@pytest.mark.parametrize(
    ("address", "public", "own"),
    [
        pytest.param("93.184.215.14", True, True, id="the internet"),
        pytest.param("2606:2800:21f:cb07::1", True, True, id="the internet, version 6"),
        pytest.param("64:ff9b::5db8:d70e", True, True, id="the internet, through a translation"),
        pytest.param("127.0.0.1", False, True, id="this machine"),
        pytest.param("127.9.9.9", False, True, id="this machine by another number"),
        pytest.param("::1", False, True, id="this machine, version 6"),
        pytest.param("::ffff:127.0.0.1", False, True, id="this machine, version 4 in 6"),
        pytest.param("10.0.0.1", False, True, id="a private network"),
        pytest.param("172.31.255.255", False, True, id="a private network of the middle size"),
        pytest.param("192.168.1.1", False, True, id="a private network at home"),
        pytest.param("64:ff9b::10.0.0.1", False, True, id="a private network, through a translation"),
        pytest.param("100.64.0.1", False, True, id="a carrier's network"),
        pytest.param("fd12:3456::1", False, True, id="a private network, version 6"),
        pytest.param("2002:7f00:1::", False, True, id="this machine through a tunnel"),
        pytest.param("2001:0:a00:1::", False, True, id="Teredo"),
        pytest.param("::127.0.0.1", False, True, id="an old form of version 4 in 6"),
        pytest.param("fec0::1", False, True, id="a site's own, of old"),
        pytest.param("198.51.100.1", False, True, id="documentation"),
        pytest.param("2001:db8::1", False, True, id="documentation, version 6"),
        pytest.param("0.0.0.0", False, False, id="no address"),  # noqa: S104 - the material of this test
        pytest.param("::", False, False, id="no address, version 6"),
        pytest.param("224.0.0.1", False, False, id="many at once"),
        pytest.param("ff02::1", False, False, id="many at once, version 6"),
        pytest.param("255.255.255.255", False, False, id="all at once"),
        pytest.param("169.254.169.254", False, False, id="a cloud's credentials"),
    ],
)
def test_whose_an_address_is(address: str, *, public: bool, own: bool) -> None:
    assert (is_public(address), may_be_own(address)) == (public, own)


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_a_public_address_is_one_that_python_knows_as_global(number: int) -> None:
    """Of version 4; ours are fewer. In whatever form it is written, it is the same."""
    plain = ipaddress.IPv4Address(number)
    if is_public(str(plain)):
        assert plain.is_global
    assert is_public(f"::ffff:{plain}") == is_public(str(plain)) == is_public(f"64:ff9b::{plain}")


@pytest.mark.parametrize("text", ["", "a.example", "127.1"])
def test_what_is_no_address_is_not_judged(text: str) -> None:
    with pytest.raises(ValueError, match="appear to be an IPv4 or IPv6"):
        is_public(text)
