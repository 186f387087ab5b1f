"""`outbound.sigv4`, against the examples of Amazon's own documentation."""

from datetime import UTC, datetime

import pytest

from buttress.outbound.sigv4 import EMPTY_SHA256, Keys, Signed, encoded_query, sign

S3 = Keys(access_key="AKIAIOSFODNN7EXAMPLE", secret_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
IAM = Keys(access_key="AKIDEXAMPLE", secret_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
HOST = "examplebucket.s3.amazonaws.com"
HASHED = {"x-amz-content-sha256": EMPTY_SHA256}


def signature(headers: dict[str, str]) -> str:
    return headers["Authorization"].rpartition("Signature=")[2]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(
            Signed(host=HOST, path="/test.txt", headers={"Range": "bytes=0-9", **HASHED}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            id="an object",
        ),
        pytest.param(
            Signed(host=HOST, path="/", query={"lifecycle": ""}, headers=HASHED),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            id="a bucket's lifecycle",
        ),
        pytest.param(
            Signed(host=HOST, path="/", query={"prefix": "J", "max-keys": "2"}, headers=HASHED),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            id="a list of objects",
        ),
    ],
)
def test_the_examples_of_s3(request_: Signed, expected: str) -> None:
    """They are of one day in 2013."""
    headers = sign(request_, S3, "us-east-1", "s3", datetime(2013, 5, 24, tzinfo=UTC))
    assert signature(headers) == expected
    assert headers["x-amz-date"] == "20130524T000000Z"
    assert set(request_.headers) < set(headers)


def test_the_example_of_another_service() -> None:
    request = Signed(
        host="iam.amazonaws.com",
        path="/",
        query={"Action": "ListUsers", "Version": "2010-05-08"},
        headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
    )
    headers = sign(request, IAM, "us-east-1", "iam", datetime(2015, 8, 30, 12, 36, tzinfo=UTC))
    assert signature(headers) == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    assert headers["Authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, Signature="
    )


def test_keys_for_a_session_send_its_token_and_are_never_shown() -> None:
    keys = Keys(access_key="A", secret_key="word", session_token="spoken")
    headers = sign(Signed(host="h", path="/"), keys, "r", "s3", datetime(2026, 1, 1, tzinfo=UTC))
    assert headers["x-amz-security-token"] == "spoken"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token" in headers["Authorization"]
    assert "word" not in repr(keys) + str(headers)


def test_a_query_is_encoded_in_one_way() -> None:
    assert encoded_query({"prefix": "a b/ü+~", "list-type": "2"}) == "list-type=2&prefix=a%20b%2F%C3%BC%2B~"
