"""What can go wrong with access. No message holds a key."""

from buttress.kernel.errors import EACH_IS_NAMED, ButtressError


class KeyMissing(ButtressError):
    """A request came without a key, and here one is needed."""

    code = "access.key_missing"
    hint = (
        "Send it as `Authorization: Bearer KEY`, `x-api-key` or `api-key`. "
        "An admin makes one: buttress keys create NAME"
    )


class KeyUnknown(ButtressError):
    """What a request sent as its key is none of this server's."""

    code = "access.key_unknown"
    hint = "Check that it was copied whole, and that it is this server's: buttress keys list"


class KeyOver(ButtressError):
    """The key of a request was good once: it has expired, was replaced, or was revoked."""

    code = "access.key_expired"
    hint = "Ask an admin for a new one: buttress keys rotate ID, or buttress keys create NAME"


class NotAllowed(ButtressError):
    """A key is not for this."""

    code = "access.not_allowed"
    hint = "Use a key that is for it: buttress keys show ID says what one is for."


class TermsInvalid(ButtressError):
    """A key cannot be made like this."""

    code = "access.terms_invalid"
    hint = "See what there is: buttress keys create --help"


class NoSuchKey(ButtressError):
    """There is no key of that id."""

    code = "access.no_such_key"
    hint = "List them: buttress keys list"


class KeySecretUnusable(ButtressError):
    """The server's secret, which keys are hashed with, cannot be read or made."""

    code = "access.secret_unusable"
    hint = "Give this user the right to the file; or set access.key_secret to env:NAME or file:PATH."


class RateLimited(ButtressError):
    """A limit of limits.yaml is reached: so many requests or tokens a minute, or requests at once."""

    code = "access.rate_limited"
    hint = "Ask again when `Retry-After` is over; or raise the limit in limits.yaml."
    retryable = True

    def __init__(
        self, message: str, *, headers: list[tuple[bytes, bytes]], retry_after_s: float | None = None
    ) -> None:
        """Say when there is room again, in seconds; None: never for a request as large as this one."""
        super().__init__(message, data={} if retry_after_s is None else {"retry_after_s": retry_after_s})
        self.headers = headers
        if retry_after_s is None:
            self.retryable = False
            self.hint = "Send less, ask for a shorter answer (max_tokens), or raise the limit in limits.yaml."


class IdempotencyKeyInvalid(ButtressError):
    """The header `Idempotency-Key` of a request holds no key, or there are two of them."""

    code = "access.idempotency_key_invalid"
    hint = "Send one, of 1 to 255 visible ASCII characters, such as a UUID."


class IdempotencyMismatch(ButtressError):
    """The `Idempotency-Key` of a request was sent before, with another request."""

    code = "access.idempotency_mismatch"
    hint = "Send a new key with each new request, and an old one only with the very same request."


class IdempotencyInProgress(ButtressError):
    """The first request with this `Idempotency-Key` is still being answered."""

    code = "access.idempotency_in_progress"
    hint = "Ask again with the same key in a moment: you get the answer that is under way."
    retryable = True


class IdempotencyLost(ButtressError):
    """Whoever answered the first request with this `Idempotency-Key` is gone; it may have been paid for."""

    code = "access.idempotency_lost"
    hint = (
        "Ask again with a new key if it may be paid for twice; "
        "or set access.idempotency.after_crash to `repeat`, and that is done by itself."
    )


class IdempotencyNotKept(ButtressError):
    """The answer to the first request with this `Idempotency-Key` is not kept: too long, or too many came."""

    code = "access.idempotency_not_kept"
    hint = (
        "Ask again with a new key if it may be paid for twice; or raise access.idempotency.max_answer_bytes, "
        "or max_tenant_bytes."
    )


class LimitsInvalid(ButtressError):
    """limits.yaml holds mistakes."""

    code = "access.declaration"
    hint = EACH_IS_NAMED
