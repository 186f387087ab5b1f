"""For whoever receives our webhooks: is a request really from Buttress, and from now?"""

from collections.abc import Mapping, Sequence

from buttress.client.errors import WebhookInvalid
from buttress.kernel.clock import Clock, SystemClock
from buttress.outbound.signing import ID, SIGNATURE, TIMESTAMP, is_signed, signing_key

TOLERANCE_S = 300.0
"""How old a message may be, or how far ahead: both clocks may be wrong a little."""


def verify_webhook(
    body: bytes,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance_s: float = TOLERANCE_S,
    clock: Clock | None = None,
) -> str:
    """Return the id of a message that was signed with `secret`, or with one of several.

    `body` are the very bytes that came in, not what was parsed and written again. The same message may come
    more than once, always under the same id: do what it says once.

    Raises:
        WebhookInvalid: a header is missing, nothing was signed with `secret`, or it is too old; answer 400.
        ValueError: `secret` itself is none: ours, and not the sender's mistake.
    """
    keys = _keys([secret] if isinstance(secret, str) else secret)
    found = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in (ID, TIMESTAMP, SIGNATURE) if not found.get(name)]
    if missing:
        raise WebhookInvalid(f"the request has no {', '.join(missing)}")
    timestamp = _timestamp(found[TIMESTAMP])
    if abs((clock or SystemClock()).now().timestamp() - timestamp) > tolerance_s:
        raise WebhookInvalid(
            f"the message is not of the last {tolerance_s:g} s: it may be an old one, repeated"
        )
    if not any(is_signed(found[SIGNATURE], key, found[ID], timestamp, body) for key in keys):
        raise WebhookInvalid("the message was not signed with this secret")
    return found[ID]


def _keys(secrets: Sequence[str]) -> list[bytes]:
    keys = [key for one in secrets if (key := signing_key(one)) is not None]
    if len(keys) != len(secrets) or not keys:
        raise ValueError("a secret of a webhook is `whsec_` and the base64 of 24 to 64 bytes")
    return keys


def _timestamp(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise WebhookInvalid("the request's webhook-timestamp is no number of seconds")
    return int(text)
