"""Compose: the prompt rendered, with as many passages as the window holds."""

import msgspec

from buttress.gateway.call import Call
from buttress.gateway.prompting import prompt_of, window_of
from buttress.gateway.steps.fallback import QUOTED, fallback
from buttress.gateway.steps.remember import remembered
from buttress.gateway.types import Composed, History, Reply, Retrieved
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Grounding, ModelRequest
from buttress.models.counting import readers_of
from buttress.prompts.composing import Composition, Conversation
from buttress.prompts.composing import compose as compose_prompt
from buttress.prompts.errors import PromptTooLong
from buttress.prompts.types import Turns
from buttress.releases.types import GenerateStage


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
    window = window_of(readers, stage.max_tokens)
    largest = max(model.window_tokens for model in models)
    counter = await call.ports.counter(readers)  # by whoever counts the most tokens
    prompt, said = prompt_of(release, stage.prompt), Conversation(retrieved.input, turns.messages, turns)
    try:
        return compose_prompt(prompt, said, retrieved.passages, window, counter)
    except PromptTooLong:  # the rungs that it is too long for refuse it, and the next one is asked
        window = msgspec.structs.replace(window, window_tokens=largest)
        return compose_prompt(prompt, said, retrieved.passages, window, counter)


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
