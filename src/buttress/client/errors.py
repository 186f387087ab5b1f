"""What can go wrong for a client."""

import msgspec

from buttress.kernel.errors import ButtressError


class ServerAway(ButtressError):
    """Nobody answers at the address, or not in time."""

    code = "client.server_away"
    hint = "Start it: buttress serve; and look at the address that it prints."
    retryable = True


class AnswerCut(ButtressError):
    """The connection ended before the answer did; what came before is not the whole answer."""

    code = "client.answer_cut"
    hint = "Ask again."
    retryable = True


class BadAddress(ButtressError):
    """The address is not one that can be asked."""

    code = "client.bad_address"
    hint = "Write it like http://127.0.0.1:8700, as `buttress serve` prints it."


class NotButtress(ButtressError):
    """Something answers at the address, but not as a call worker of Buttress does."""

    code = "client.not_buttress"
    hint = "Look which program listens at that address."


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An error as it is sent."""

    code: str
    message: str
    hint: str
    retryable: bool = False
    data: dict[str, object] = msgspec.field(default_factory=dict)


class CallRefused(ButtressError):
    """The server answered with an error; `told` is that error, with its own code and hint."""

    code = "client.call_refused"
    hint = "The error of the server says what to do."

    def __init__(self, told: Told, status: int) -> None:
        super().__init__(
            f"{told.code}: {told.message}",
            hint=told.hint,
            data={"status": status, "code": told.code, **told.data},
        )
        self.told = told
        self.status = status


class WebhookInvalid(ButtressError):
    """A request that says it is a webhook was not signed with the secret, or not just now."""

    code = "client.webhook_invalid"
    hint = "Answer it with 400. If it is ours, compare the secret with that of alerts.yaml, and the clocks."
