"""`outbound.addresses`."""

import pytest

from buttress.outbound.addresses import Address, AddressInvalid, Origin, parse_address


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        pytest.param("http://a.example", Origin("http", "a.example", 80), "/", id="no path"),
        pytest.param("https://A.Example/v1", Origin("https", "a.example", 443), "/v1", id="upper case"),
        pytest.param(
            "http://a.example:8080/x?y=1&z", Origin("http", "a.example", 8080), "/x?y=1&z", id="query"
        ),
        pytest.param("http://[::1]:9/", Origin("http", "::1", 9), "/", id="IPv6"),
        pytest.param(
            "http://bücher.example/ü b",
            Origin("http", "xn--bcher-kva.example", 80),
            "/%C3%BC%20b",
            id="Unicode",
        ),
        pytest.param("http://a/b%20c", Origin("http", "a", 80), "/b%20c", id="encoded already"),
        pytest.param(
            "http://a/models/x:stream?alt=sse",
            Origin("http", "a", 80),
            "/models/x:stream?alt=sse",
            id="colon",
        ),
        pytest.param("http://a/p#fragment", Origin("http", "a", 80), "/p", id="a fragment is not sent"),
    ],
)
def test_a_url_is_taken_apart(url: str, origin: Origin, target: str) -> None:
    assert parse_address(url) == Address(origin, target)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/relative",
        "not a url",
        "http://[::1",
        "ftp://a/",
        "http://",
        "http://u:secret@a/",
        "http://a:99999/",
        "http://a b/",
    ],
)
def test_what_is_no_address_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(AddressInvalid) as raised:
        parse_address(url)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("origin", "header"),
    [
        pytest.param(Origin("http", "a", 80), "a", id="the usual port"),
        pytest.param(Origin("https", "a", 443), "a", id="the usual port of TLS"),
        pytest.param(Origin("https", "a", 80), "a:80", id="an unusual one"),
        pytest.param(Origin("http", "::1", 8080), "[::1]:8080", id="IPv6"),
    ],
)
def test_the_host_header_names_it(origin: Origin, header: str) -> None:
    assert origin.host_header == header
