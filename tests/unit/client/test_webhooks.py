"""`verify_webhook`: what a receiver may believe."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from buttress import verify_webhook
from buttress.client.errors import WebhookInvalid
from buttress.outbound.sessions import Sessions
from buttress.outbound.signing import signatures, signing_key
from buttress.outbound.webhooks import Message, Webhook, send_webhook
from buttress.testing.clock import ManualClock
from tests.unit.outbound.sites import OK, saying, settings, site

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(b"another secret, as long as it must be").decode()
BODY = b'{"type": "budget"}'
SENT_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
AT = int(SENT_AT.timestamp())


def headers(**changes: str) -> dict[str, str]:
    """Return the headers of a good message, but for `changes`, which have `_` for `-`."""
    key = signing_key(SECRET)
    assert key
    good = {
        "Webhook-Id": "al_1",
        "Webhook-Timestamp": str(AT),
        "Webhook-Signature": signatures([key], "al_1", AT, BODY),
    }
    return good | {name.replace("_", "-"): value for name, value in changes.items()}


def clock(late_s: float = 0.0) -> ManualClock:
    """Return a clock that is so late after the message was sent."""
    return ManualClock(SENT_AT + timedelta(seconds=late_s))


@pytest.mark.parametrize("secret", [SECRET, [OTHER, SECRET]])
def test_a_message_of_ours_is_believed(secret: str | list[str]) -> None:
    assert verify_webhook(BODY, headers(), secret, clock=clock(299)) == "al_1"


@pytest.mark.parametrize(
    ("body", "found", "late_s"),
    [
        pytest.param(BODY + b" ", headers(), 0, id="written again"),
        pytest.param(BODY, headers(Webhook_Id="al_2"), 0, id="under another id"),
        pytest.param(BODY, headers(Webhook_Timestamp=str(AT + 1)), 0, id="at another time"),
        pytest.param(BODY, headers(Webhook_Timestamp="soon"), 0, id="at no time"),
        pytest.param(BODY, headers(Webhook_Timestamp="٣"), 0, id="at a time in other digits"),
        pytest.param(BODY, headers(Webhook_Signature="v1,AAAA"), 0, id="signed by nobody"),
        pytest.param(BODY, headers(Webhook_Signature=""), 0, id="not signed"),
        pytest.param(BODY, {}, 0, id="no headers"),
        pytest.param(BODY, headers(), 301, id="an old one, repeated"),
        pytest.param(BODY, headers(), -301, id="one from the future"),
    ],
)
def test_what_is_not_ours_is_refused(body: bytes, found: Mapping[str, str], late_s: float) -> None:
    with pytest.raises(WebhookInvalid):
        verify_webhook(body, found, SECRET, clock=clock(late_s))


def test_another_secret_does_not_do() -> None:
    with pytest.raises(WebhookInvalid):
        verify_webhook(BODY, headers(), OTHER, clock=clock())


@pytest.mark.parametrize("secret", ["", "hunter2", [], [SECRET, "hunter2"]])
def test_a_secret_that_is_none_is_said_and_not_taken_for_a_forgery(secret: str | list[str]) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        verify_webhook(BODY, headers(), secret, clock=clock())


async def test_what_we_send_is_what_we_believe() -> None:
    keys = tuple(key for one in (OTHER, SECRET) if (key := signing_key(one)))
    async with site(saying(OK)) as there, Sessions(settings()) as sessions:
        message = Message(id="al_7", body=BODY, sent_at=SENT_AT)
        await send_webhook(sessions, Webhook(there.url, keys), message, 20)
        (visit,) = there.visits
    found = dict(line.split(": ", 1) for line in visit.head.split("\r\n")[1:-2])
    assert verify_webhook(visit.body, found, SECRET, clock=clock()) == "al_7"
