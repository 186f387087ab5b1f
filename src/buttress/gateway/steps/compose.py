"""Compose: the prompt rendered, with as many passages as the window holds."""

from functools import lru_cache
from pathlib import Path

import msgspec

from buttress.gateway.call import Call
from buttress.gateway.steps.fallback import QUOTED, fallback
from buttress.gateway.steps.remember import remembered
from buttress.gateway.types import Composed, History, Reply, Retrieved
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Grounding, ModelRequest
from buttress.models.counting import readers_of
from buttress.prompts.composing import Composition, Conversation
from buttress.prompts.composing import compose as compose_prompt
from buttress.prompts.errors import PromptTooLong
from buttress.prompts.packing import FORMAT_TOKENS, Window
from buttress.prompts.templates import parse_prompt
from buttress.prompts.types import Prompt, Turns
from buttress.releases.types import GenerateStage, Release


async def compose(retrieved: Retrieved, call: Call) -> Composed | Reply:
    """Return what is to be sent; a reply when nothing is to be written, or the prompt does not fit."""
    release = retrieved.release
    stage = next((stage for stage in release.stages if isinstance(stage, GenerateStage)), None)
    if stage is None:
        return fallback(release, retrieved.passages, QUOTED)
    turns = await remembered(call.asked, call)
    with call.recorder.span("compose") as span:
        try:
            composition = await _composition(stage, retrieved, turns, call)
        except ButtressError as error:
            span.data["reason"] = error.code
            return fallback(release, retrieved.passages, error.code)
        # What the model could not be shown can still be quoted, and bear out what it wrote.
        passages = call.passages = retrieved.passages
        span.data["tokens"] = composition.tokens
        span.data["passages"] = len(composition.passages)
        call.history = _history(turns, composition, call.history.reason)
        told = msgspec.structs.asdict(call.history)
        span.data |= {f"turns_{name}": count for name, count in told.items() if name != "reason"}
        span.data["left_out"] = [passage.chunk_id for passage in composition.left_out]
        request = ModelRequest(
            messages=composition.messages,
            max_tokens=stage.max_tokens,
            temperature=stage.temperature,
            grounding=Grounding(str(retrieved.input.get("question", "")), passages, retrieved.asked),
        )
        return Composed(retrieved, stage, request, passages)


async def _composition(stage: GenerateStage, retrieved: Retrieved, turns: Turns, call: Call) -> Composition:
    release = retrieved.release
    models = release.models_of(stage)
    readers = readers_of(models)
    # What fits the smallest window of the ladder by whoever counts the most tokens fits every rung.
    smallest = min(model.window_tokens for model in readers)
    largest = max(model.window_tokens for model in models)
    counter = await call.ports.counter(readers)

    def composed(window_tokens: int) -> Composition:
        return compose_prompt(
            _prompt(release, stage),
            Conversation(retrieved.input, turns.messages, turns),
            retrieved.passages,
            Window(window_tokens=window_tokens, answer_tokens=stage.max_tokens, format_tokens=FORMAT_TOKENS),
            counter,
        )

    try:
        return composed(smallest)
    except PromptTooLong:
        return composed(largest)  # the rungs that it is too long for refuse it, and the next one is asked


def _history(turns: Turns, composition: Composition, reason: str) -> History:
    """Return what became of the turns before the question, in the words that everybody is told it in."""
    before = turns.older + len(composition.dropped)
    earlier = composition.earlier
    return History(
        sent=len(turns.messages) - len(composition.dropped),
        summarised=earlier.summarised,
        recollected=2 * len(earlier.recollected),
        left_out=earlier.left_out(before),
        reason=reason,
    )


def _prompt(release: Release, stage: GenerateStage) -> Prompt:
    return _parsed(stage.prompt, release.prompts[stage.prompt])


@lru_cache(maxsize=256)
def _parsed(name: str, text: str) -> Prompt:
    prompt = parse_prompt(text, Path(name))
    assert isinstance(prompt, Prompt), name  # noqa: S101 - a release with a prompt that does not parse was never made
    return prompt
