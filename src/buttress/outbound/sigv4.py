"""Signatures of requests to what speaks as Amazon's services do: AWS Signature Version 4, no bodies. Pure.

What is signed is the method, the path, the query in order, and the headers named; the key of a day, a region
and a service is made of the secret one (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote

import msgspec

EMPTY_SHA256 = sha256(b"").hexdigest()
_ALGORITHM = "AWS4-HMAC-SHA256"


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs; never shown."""

    access_key: str
    secret_key: str
    session_token: str = ""

    def __repr__(self) -> str:
        return "Keys(***)"


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A request without a body. `path` is percent-encoded; `query` and `headers` are as they are meant."""

    method: str = "GET"
    host: str
    path: str
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}


def encoded_query(query: Mapping[str, str]) -> str:
    """Return `query` as it is signed, and so as it must be sent: in order, each octet encoded in one way."""
    return "&".join(f"{name}={value}" for name, value in sorted(_pairs(query)))


def sign(request: Signed, keys: Keys, region: str, service: str, now: datetime) -> dict[str, str]:
    """Return the headers to send with `request`, its own included, so that `service` knows who asks.

    `now` is in UTC; a service takes what is at most 15 minutes old.
    """
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    sent = {**request.headers, "x-amz-date": moment}
    if keys.session_token:
        sent["x-amz-security-token"] = keys.session_token
    all_headers = {name.lower(): " ".join(value.split()) for name, value in sent.items()}
    all_headers["host"] = request.host
    names = ";".join(sorted(all_headers))
    text = "\n".join((_ALGORITHM, moment, scope, _canonical(request, all_headers, names)))
    signature = hmac.digest(_key(keys, scope), text.encode(), sha256).hex()
    credential = f"{_ALGORITHM} Credential={keys.access_key}/{scope}"
    return {**sent, "Authorization": f"{credential}, SignedHeaders={names}, Signature={signature}"}


def _canonical(request: Signed, headers: Mapping[str, str], names: str) -> str:
    """Return the hash of the request in the one form that both sides make of it."""
    lines = (
        request.method,
        request.path,
        encoded_query(request.query),
        *(f"{name}:{headers[name]}" for name in sorted(headers)),
        "",
        names,
        headers.get("x-amz-content-sha256", EMPTY_SHA256),
    )
    return sha256("\n".join(lines).encode()).hexdigest()


def _key(keys: Keys, scope: str) -> bytes:
    key = f"AWS4{keys.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), sha256)
    return key


def _pairs(query: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items()]
