"""A webhook: one signed POST to somebody's own address, and what came of it as a value.

Which addresses: an URL of a webhook is written by whoever owns the project, in a file beside the code, and a
receiver on this machine or in this network is what many have; so those are asked like any other. Not asked
are link-local addresses and the few others under which clouds hand out a machine's own credentials: nobody
receives webhooks there, and a line in a file must not be a way to them. A name is looked up for that first;
that it leads elsewhere a moment later is nothing its owner gains by. And of what is answered only the status
is read: no answer can be got at through an alert, and a long or endless one holds nothing up.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

import msgspec

from buttress.outbound.addresses import AddressInvalid, parse_address
from buttress.outbound.faults import BrokenOff, NotHttp, Unreachable, why_unreachable
from buttress.outbound.networks import is_barred
from buttress.outbound.sessions import Outgoing, Sessions
from buttress.outbound.signing import ID, SIGNATURE, TIMESTAMP, signatures

_GONE = 410
Kind = Literal[
    "delivered", "answered", "gone", "timed_out", "unreachable", "broken_off", "not_http", "barred", "invalid"
]
"""What came of it: `delivered` is any 2xx, `gone` a 410, `answered` every other status. `barred` and
`invalid` addresses are not asked."""


class Webhook(msgspec.Struct, frozen=True):
    """Where a message goes, and the keys it is signed with: two while a secret is being replaced."""

    url: str
    keys: tuple[bytes, ...]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent. `id` stays the same however often it is sent; `sent_at` is the moment of this try."""

    id: str
    body: bytes
    sent_at: datetime


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one try. `reason` says it to people, without the address or what was answered."""

    kind: Kind
    reason: str
    status: int | None = None
    duration_ms: float = 0.0


async def send_webhook(sessions: Sessions, webhook: Webhook, message: Message, timeout_s: float) -> Sent:
    """POST `message` to `webhook`, with `timeout_s` for all of it; whatever happens is what is returned.

    No redirect is followed: a 3xx is an answer like any other that is not 2xx.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(timeout_s):
            sent = await _send(sessions, webhook, message, timeout_s)
    except TimeoutError:
        sent = Sent(kind="timed_out", reason=f"no answer within {timeout_s:g} s")
    except _Failed as failed:
        sent = failed.sent
    return msgspec.structs.replace(sent, duration_ms=round((loop.time() - began) * 1000, 3))


async def _send(sessions: Sessions, webhook: Webhook, message: Message, timeout_s: float) -> Sent:
    with _failing():
        await _refuse_barred(webhook.url)
        async with sessions.post(_outgoing(webhook, message, timeout_s)) as response:
            return _answered(response.status)


def _outgoing(webhook: Webhook, message: Message, timeout_s: float) -> Outgoing:
    timestamp = int(message.sent_at.timestamp())
    headers = {
        "Content-Type": "application/json",
        "Connection": "close",
        ID: message.id,
        TIMESTAMP: str(timestamp),
        SIGNATURE: signatures(webhook.keys, message.id, timestamp, message.body),
    }
    return Outgoing(url=webhook.url, body=message.body, headers=headers, connect_timeout_s=timeout_s)


def _answered(status: int) -> Sent:
    kind: Kind = "delivered" if 200 <= status < 300 else "gone" if status == _GONE else "answered"
    return Sent(kind=kind, reason=f"the answer was {status}", status=status)


class _Failed(Exception):
    """Ends a try that came to nothing."""

    def __init__(self, kind: Kind, reason: str) -> None:
        super().__init__(reason)
        self.sent = Sent(kind=kind, reason=reason)


@contextmanager
def _failing() -> Iterator[None]:
    """Turn the faults of the way into what came of the try."""
    try:
        yield
    except AddressInvalid as fault:
        raise _Failed("invalid", f"its URL is none: {fault}") from fault
    except Unreachable as fault:
        raise _Failed("unreachable", why_unreachable(fault)) from fault
    except BrokenOff as fault:
        raise _Failed("broken_off", "the connection broke off before the answer") from fault
    except NotHttp as fault:
        raise _Failed("not_http", "what was answered is not HTTP") from fault


async def _refuse_barred(url: str) -> None:
    origin = parse_address(url).origin
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            origin.host, origin.port, type=socket.SOCK_STREAM
        )
    except OSError as error:
        raise Unreachable("no such name") from error
    if any(is_barred(str(address[0])) for *_, address in found):
        raise _Failed("barred", "its address is one of a cloud's own services: nobody is told there")
