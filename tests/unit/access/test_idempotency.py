"""What an Idempotency-Key stands for."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.access.errors import IdempotencyKeyInvalid
from buttress.access.idempotency import Sent, fingerprint, is_kept, key_of, lasting, named
from buttress.kernel.principal import ANYBODY, Principal

SENT = Sent(
    method="POST",
    path="/v1/chat/completions",
    query=b"",
    headers=[(b"content-type", b"application/json")],
    body=b'{"model":"m","messages":[]}',
)
KEY = b"idempotency-key"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("key", ["a", "x" * 255, '"8e03978e-40d5"', "!~"])
def test_visible_characters_are_a_key(key: str) -> None:
    assert key_of([(b"host", b"here"), (KEY, key.encode())]) == key


def test_most_requests_have_no_key() -> None:
    assert key_of([(b"host", b"here")]) is None


@pytest.mark.parametrize(
    "given_keys",
    [
        pytest.param([b""], id="an empty one"),
        pytest.param([b"x" * 256], id="one too long"),
        pytest.param([b"x" * 10_000], id="one of ten thousand characters"),
        pytest.param([b"a b"], id="a space within"),
        pytest.param([b"a\0b"], id="a NUL"),
        pytest.param([b"a\r\nb"], id="a new line"),
        pytest.param(["schlüssel".encode()], id="letters beyond ASCII"),
        pytest.param([b"a", b"b"], id="two"),
        pytest.param([b"a", b"a"], id="the same one twice"),
    ],
)
def test_what_is_no_key_is_refused(given_keys: list[bytes]) -> None:
    with pytest.raises(IdempotencyKeyInvalid):
        key_of([(KEY, value) for value in given_keys])


@given(value=JSON)
def test_the_spelling_of_json_does_not_count(value: object) -> None:
    spelled = [msgspec.json.encode(value), msgspec.json.format(msgspec.json.encode(value, order="sorted"))]
    prints = {fingerprint(msgspec.structs.replace(SENT, body=body)) for body in spelled}
    assert len(prints) == 1


@given(one=JSON, other=JSON)
def test_other_json_is_another_request(one: object, other: object) -> None:
    prints = [
        fingerprint(msgspec.structs.replace(SENT, body=msgspec.json.encode(value))) for value in (one, other)
    ]
    assert (prints[0] == prints[1]) == (
        msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")
    )


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        pytest.param({"method": "PUT"}, False, id="another method"),
        pytest.param({"path": "/v1/messages"}, False, id="another path"),
        pytest.param({"query": b"beta=true"}, False, id="another query"),
        pytest.param({"body": b"{"}, False, id="a body that is no JSON"),
        pytest.param({"body": b"[" * 10_000}, False, id="a body nested too deeply"),
        pytest.param({"headers": [(b"anthropic-beta", b"x")]}, False, id="a header of the dialect"),
        pytest.param({"headers": [(b"x-buttress-tenant", b"x")]}, False, id="a header of ours"),
        pytest.param({"headers": [(b"x-stainless-retry-count", b"1")]}, True, id="a client's count of tries"),
        pytest.param({"headers": [(b"traceparent", b"00-1")]}, True, id="a client's own trace"),
    ],
)
def test_what_makes_another_request(changes: dict[str, object], is_same: bool) -> None:  # noqa: FBT001
    assert (fingerprint(msgspec.structs.replace(SENT, **changes)) == fingerprint(SENT)) is is_same


@pytest.mark.parametrize(
    ("who", "path", "key"),
    [
        pytest.param(Principal(tenant="other"), SENT.path, "k", id="another tenant"),
        pytest.param(Principal(key="key_1"), SENT.path, "k", id="another key of access"),
        pytest.param(ANYBODY, "/v1/messages", "k", id="another path"),
        pytest.param(ANYBODY, SENT.path, "K", id="another Idempotency-Key"),
    ],
)
def test_a_key_is_good_where_it_was_sent(who: Principal, path: str, key: str) -> None:
    elsewhere = named(key, msgspec.structs.replace(SENT, path=path), who)
    here = named("k", SENT, ANYBODY)
    assert elsewhere.place != here.place
    assert named("k", SENT, ANYBODY) == here


@pytest.mark.parametrize(
    ("status", "is_so"),
    [
        pytest.param(200, True, id="an answer"),
        pytest.param(400, True, id="a request that makes no sense"),
        pytest.param(413, True, id="one that is too long"),
        pytest.param(422, True, id="one that does not fit the feature"),
        pytest.param(401, False, id="a key that was wrong"),
        pytest.param(403, False, id="a right that may be given"),
        pytest.param(404, False, id="a feature that may be deployed"),
        pytest.param(408, False, id="a slow body"),
        pytest.param(409, False, id="a conflict"),
        pytest.param(429, False, id="a limit"),
        pytest.param(500, False, id="a mistake of ours"),
        pytest.param(503, False, id="a model that is away"),
    ],
)
def test_what_a_key_stands_for_from_then_on(status: int, is_so: bool) -> None:  # noqa: FBT001
    assert is_kept(status) is is_so


def test_what_is_true_of_one_moment_is_not_given_again() -> None:
    headers = [
        (b"content-type", b"text/event-stream"),
        (b"Connection", b"close"),
        (b"x-ratelimit-remaining-requests", b"3"),
        (b"x-buttress-budget", b"each;left=1;limit=2"),
        (b"x-buttress-trace-id", b"tr_1"),
    ]
    assert lasting(headers) == (headers[0], headers[-1])
