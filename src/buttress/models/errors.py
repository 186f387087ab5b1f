"""What can go wrong with models, as a user sees it. No message ever holds a key."""

from collections.abc import Sequence

import msgspec

from buttress.kernel.errors import ButtressError


class ModelUnavailable(ButtressError):
    """The upstream could not be reached, or answered that it is broken or overloaded (5xx).

    `was_sent` is False when there was not even a connection: then nothing can have been used.
    """

    code = "models.unavailable"
    hint = (
        "Check `base_url:` of the model, and the provider's status page; a ladder has others to fall back on."
    )
    retryable = True

    def __init__(self, message: str, *, was_sent: bool = True) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class RateLimited(ButtressError):
    """The upstream answered 429. `retry_after_s` is how long it asks to wait, None when it does not say."""

    code = "models.rate_limited"
    hint = "Wait, raise the provider's limit, or add a rung to the ladder."
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(
            message, data={} if retry_after_s is None else {"retry_after_s": round(retry_after_s, 3)}
        )
        self.retry_after_s = retry_after_s


class RefusedKey(ButtressError):
    """The upstream does not accept the key (401, 403), or its account has nothing left to spend (402)."""

    code = "models.refused_key"
    hint = "Check the secret that `key:` of the model in models.yaml refers to, and its account."


class BadRequest(ButtressError):
    """The upstream does not accept the request (400, 404, 422 and the like), and never will."""

    code = "models.bad_request"
    hint = "Check `id:` and `base_url:` of the model in models.yaml against the provider's documentation."


class WindowExceeded(ButtressError):
    """The request is longer than the model's window."""

    code = "models.window_exceeded"
    hint = "Lower `max_tokens` or the number of passages, or correct `window_tokens:` of the model."


class ModelTimeout(ButtressError):
    """No first token, no next token, or no end in time; `data["waited_for"]` says which."""

    code = "models.timeout"
    hint = "Raise the limit in the `models` section of buttress.yaml, or put a faster model on the ladder."
    retryable = True


class StreamCut(ButtressError):
    """The answer stopped before its end: what came is not the whole answer."""

    code = "models.stream_cut"
    hint = "Ask again; when it happens often, look at the provider's time limits and the proxies on the way."
    retryable = True


class BadAnswer(ButtressError):
    """The upstream answered with something that is not a stream in the format of its provider."""

    code = "models.bad_answer"
    hint = "Check `provider:` and `base_url:` of the model; an OpenAI-compatible address mostly ends in /v1."
    retryable = True


class ModelBusy(ButtressError):
    """As many requests as the local model can serve in time wait for it; the next model is asked at once."""

    code = "models.busy"
    hint = "Raise `models.local.queue_length` or `models.local.parallel`, or add a rung to the ladder."
    retryable = True


class LocalModelAway(ButtressError):
    """The local model's process is not there, or not ready; the next model is asked at once."""

    code = "models.local_away"
    hint = "It is started again by itself; `buttress doctor` says how it is, and why."
    retryable = True


class LocalModelMissing(ButtressError):
    """The local model cannot be run here: its file, or the package that runs it, is not there."""

    code = "models.local_missing"
    hint = "Write the `path:` of a GGUF file, from the project's folder."


class LocalModelBroken(ButtressError):
    """The local model's file is not a GGUF that can be run here."""

    code = "models.local_broken"
    hint = "Name the whole GGUF file of a chat model in `path:`, and keep `window_tokens:` within the memory."


class NothingToQuote(ButtressError):
    """No sentence of the passages has to do with the question, or there are no passages."""

    code = "models.nothing_to_quote"
    hint = "Add documents that answer the question, or put a language model on the ladder."


class ProviderUnknown(ButtressError):
    """A model names a provider that there is no adapter for."""

    code = "models.provider_unknown"
    hint = "Set `provider:` of the model to `openai` (or compatible), `anthropic`, `local` or `extractive`."


class RungFailure(msgspec.Struct, frozen=True):
    """A model of a ladder, and why its last attempt failed."""

    model: str
    error: ButtressError


class NoRungLeft(ButtressError):
    """Every model of the ladder failed before it said anything, or there is none.

    `failures` holds all of them in order, `last` the error of the last one (None when the ladder is empty).
    """

    code = "models.no_rung_left"
    hint = "Put the extractive model last on the ladder: it quotes the passages, and needs no upstream."
    retryable = True

    def __init__(self, failures: Sequence[RungFailure]) -> None:
        told = "; ".join(f"{one.model}: {one.error.message} ({one.error.code})" for one in failures)
        super().__init__(
            f"no model of the ladder answered: {told}" if told else "the ladder has no model",
            data={"failures": [{"model": one.model, "code": one.error.code} for one in failures]},
        )
        self.failures = tuple(failures)
        self.last = failures[-1].error if failures else None
