"""What can go wrong with models, as a user sees it. No message ever holds a key."""

from collections.abc import Sequence

import msgspec

from buttress.kernel.errors import ButtressError


class ModelUnavailable(ButtressError):
    """The upstream could not be reached, or answered that it is broken or overloaded (5xx).

    `may_have_worked` is False where nothing can have been used: no connection, or an answer of failure.
    `is_overloaded` is True when it says that it has too much to do (503, 529).
    """

    code = "models.unavailable"
    hint = (
        "Check `base_url:` of the model, and the provider's status page; a ladder has others to fall back on."
    )
    retryable = True

    def __init__(self, message: str, *, may_have_worked: bool = True, is_overloaded: bool = False) -> None:
        super().__init__(message)
        self.may_have_worked = may_have_worked
        self.is_overloaded = is_overloaded


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
    hint = (
        "Check `id:` and `base_url:` of the model in models.yaml against the provider's documentation; an "
        "OpenAI-compatible address mostly ends in /v1."
    )


class WindowExceeded(ButtressError):
    """The request is longer than the model's window."""

    code = "models.window_exceeded"
    hint = "Lower `max_tokens` or the number of passages, or correct `window_tokens:` of the model."


class ModelTimeout(ButtressError):
    """No first token, no next token, or no end in time; `data["waited_for"]` says which.

    `first_token`, `next_token`; or, for all attempts of a call together, `first_token_of_call`, `total`.
    """

    code = "models.timeout"
    hint = "Raise the limit (`models` in buttress.yaml, `latency` in feature.yaml), or use a faster model."
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
    """As many requests as may, or as can be served in time, wait for the model; the next one is asked."""

    code = "models.busy"
    hint = "Add a rung to the ladder, or raise `models.concurrency`; for the local model `models.local`."
    retryable = True


class ModelResting(ButtressError):
    """The model failed lately, or asked for a pause, and is left alone; the next model is asked at once.

    `retry_after_s` is when it may be asked again.
    """

    code = "models.resting"
    hint = "It is tried again by itself; `models.breaker` says when. Add a rung to the ladder."
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message, data={"retry_after_s": round(retry_after_s, 3)})
        self.retry_after_s = retry_after_s


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


class LongtailMissing(ButtressError):
    """A model of the provider `longtail` needs a package that is not installed; the message names it."""

    code = "models.longtail_missing"
    hint = "Run: pip install 'buttress[longtail]', or put another model on the ladder."


class NothingToQuote(ButtressError):
    """No sentence of the passages has to do with the question, or there are no passages."""

    code = "models.nothing_to_quote"
    hint = "Add documents that answer the question, or put a language model on the ladder."


class ModelNotAdded(ButtressError):
    """A model cannot be put into models.yaml as it was given; the file was left as it is."""

    code = "models.not_added"
    hint = "List what there is by `buttress models list`, or write it into the file by hand."


class ProviderUnknown(ButtressError):
    """A model names a provider that there is no adapter for."""

    code = "models.provider_unknown"
    hint = (
        "There are `openai` (also for what is compatible), `anthropic`, `gemini`, `longtail`, `local`, "
        "`extractive`, `rerank`, `own-rerank`, `embeddings`."
    )


class RequestInvalid(ButtressError):
    """A client's request is not one in its dialect; `data["param"]` says which field is wrong."""

    code = "models.request_invalid"
    hint = "Compare the field that the message names with the documentation of the API that you speak."


class Untranslatable(ButtressError):
    """A request asks for what the model's dialect has no word for; `data["param"]` names the field.

    Leaving it out would change what the answer is; so the next model of the ladder is asked.
    """

    code = "models.untranslatable"
    hint = "Leave the field out, or ask a model that speaks the dialect of your client."


class WrongKind(ButtressError):
    """A model is asked for what it does not do: it re-ranks, it embeds, or it answers, one of the three."""

    code = "models.wrong_kind"
    hint = (
        "Models of the providers `rerank` and `own-rerank` are asked by POST /v1/rerank, those of "
        "`embeddings` by POST /v1/embeddings; no others are."
    )


class StateUnsupported(ButtressError):
    """A request wants something kept here, or builds on what was kept; `data["param"]` names the field."""

    code = "models.state_unsupported"
    hint = "Nothing is kept between calls: send the whole conversation in `input`, with `store: false`."


class RungFailure(msgspec.Struct, frozen=True):
    """A model of a ladder, and why its last attempt failed."""

    model: str
    error: ButtressError


class NoRungLeft(ButtressError):
    """Every model of the ladder failed before it said anything, or there is none.

    `failures` holds all of them in order, `last` the error of the last one (None when the ladder is empty).
    `retry_after_s` is when the first that asked for a pause, or rests, may be asked again; None without one.
    It is what they said when they failed, where nobody knows better.
    """

    code = "models.no_rung_left"
    hint = "Put the extractive model last on the ladder: it quotes the passages, and needs no upstream."
    retryable = True

    def __init__(self, failures: Sequence[RungFailure], retry_after_s: float | None = None) -> None:
        told = "; ".join(f"{one.model}: {one.error.message} ({one.error.code})" for one in failures)
        pauses = [pause for one in failures if (pause := _pause(one.error)) is not None]
        self.failures = tuple(failures)
        self.last = failures[-1].error if failures else None
        self.retry_after_s = min(pauses, default=None) if retry_after_s is None else retry_after_s
        self.retryable = any(one.error.retryable for one in failures)
        data: dict[str, object] = {
            "failures": [{"model": one.model, "code": one.error.code} for one in failures]
        }
        if self.retry_after_s is not None:
            data["retry_after_s"] = round(self.retry_after_s, 3)
        super().__init__(
            f"no model of the ladder answered: {told}" if told else "the ladder has no model", data=data
        )


def has_pause(error: ButtressError) -> bool:
    """Say whether `error` is that of a model that is left alone, or asked to be."""
    return _pause(error) is not None


def _pause(error: ButtressError) -> float | None:
    return error.retry_after_s if isinstance(error, RateLimited | ModelResting) else None
