"""How an answer ended: why, at what cost, by which model; and whether it ended at all. Pure."""

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished, FinishReason
from buttress.kernel.usage import Usage
from buttress.models.dialects.chat.usage import Counted, usage_of
from buttress.models.dialects.refusals import error_in_stream
from buttress.models.errors import StreamCut

DONE = "[DONE]"
_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
_BROKEN = frozenset({"error", "abort", "insufficient_system_resource"})
"""What OpenRouter and Mistral, vLLM, and DeepSeek give as the reason when they failed."""


class Ending:
    """Collects what is said of an answer beside its words.

    `[DONE]` ends a stream, but only with a witness beside it that the model came to an end: a
    `finish_reason`, or usage that was told after the last words. A gateway on the way that lost its own
    upstream may well close with `[DONE]`; then both are missing, and half an answer must not look whole. To
    ask for either of the two costs few servers: OpenAI's format has the one, and we ask for the other.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._reason: FinishReason | None = None
        self._usage: Usage | None = None
        self._named = model.id or model.name
        self._is_refused = False
        self._has_calls = False
        self._is_counted = False

    def speak(self, *, calls: bool = False, refused: bool = False) -> None:
        """Take notice of words that came."""
        self._is_counted = False
        self._has_calls = self._has_calls or calls
        self._is_refused = self._is_refused or refused

    def name(self, model: str | None) -> None:
        """Take notice of the model that answers."""
        self._named = model or self._named

    def count(self, counted: Counted | None) -> Usage | None:
        """Take notice of usage, and return it: the counts are of all so far, so the last one counts."""
        usage = usage_of(counted) if counted else None
        if usage:
            self._usage, self._is_counted = usage, True
        return usage

    def stop(self, reason: str | None) -> None:
        """Take notice of a `finish_reason`: of several, the first one counts; one we do not know is `stop`.

        Raises:
            ButtressError: it says that the upstream failed.
        """
        if reason in _BROKEN:
            raise error_in_stream(self._model, {"message": f"it gave {reason!r} as its finish_reason"})
        if reason and self._reason is None:
            self._reason = _REASONS.get(reason, "stop")

    @property
    def usage(self) -> Usage | None:
        """What was counted so far."""
        return self._usage

    def done(self) -> Finished:
        """Return the end of the answer, at `[DONE]`.

        Raises:
            StreamCut: nothing says that the model came to its end.
        """
        if self._reason is None and not self._is_counted:
            raise StreamCut(f"{self._model.name} sent {DONE} with neither a finish_reason nor the usage")
        return self.whole()

    def silent(self) -> Finished | None:
        """Return the end of an answer whose body ended well but without `[DONE]`; None where it was cut.

        Some servers never send it: after a `finish_reason` nothing of an answer is missing.
        """
        return self.whole() if self._reason else None

    def whole(self) -> Finished:
        """Return the end of an answer that is known to be whole."""
        return Finished(reason=self._why(), usage=self._usage, model=self._named)

    def _why(self) -> FinishReason:
        """Return the reason. Many say `stop` after a tool call, and all after a refusal in words."""
        if self._is_refused:
            return "content_filter"
        reason = self._reason or "stop"
        return "tool_calls" if reason == "stop" and self._has_calls else reason

    def cut(self) -> StreamCut:
        """Return the error of a stream that stopped before `[DONE]`."""
        seen = "before" if self._reason is None else "after"
        return StreamCut(
            f"the answer of {self._model.name} broke off {seen} its finish_reason, without {DONE}"
        )
