"""The `cache` of a feature: how its answers may be given again."""

from collections.abc import Iterator, Sequence

from buttress.kernel.cached import CachePolicy
from buttress.kernel.errors import Mistake
from buttress.kernel.located import Located, convert_all
from buttress.releases.types import Chat, Stage, WritingStage

CACHE = "cache"


def compile_cache(
    located: Located, chat: Chat | None, stages: Sequence[Stage]
) -> CachePolicy | list[Mistake] | None:
    """Return what feature.yaml says of its cache, None where it says nothing; or its mistakes.

    `chat` is how chat clients ask it: questions that mean the same are found by its `question`. `stages` are
    those without mistakes: their temperatures may stand in their prompts.
    """
    if located.get(CACHE) is None:
        return None
    entry = convert_all(located, CachePolicy, CACHE)
    if isinstance(entry, list):
        return entry
    return list(_mistakes(located, entry, chat, stages)) or entry


def _mistakes(
    located: Located, policy: CachePolicy, chat: Chat | None, stages: Sequence[Stage]
) -> Iterator[Mistake]:
    drawn = max((one.temperature for one in stages if isinstance(one, WritingStage)), default=0.0)
    if drawn and not policy.sampled:
        message = f"cache: answers of a temperature of {drawn:g} differ from time to time; kept, they do not"
        hint = "Add `sampled: true` under `cache` if one draw is to be for all, or take `temperature` out."
        yield Mistake(located.at(CACHE), message, hint)
    if policy.semantic and policy.level == "process":
        message = "cache: what means the same is found in PostgreSQL, and `level: process` uses none"
        yield Mistake(located.at(CACHE, "level"), message, "Write `level: shared`, or leave `semantic` out.")
    if policy.semantic and chat is None:
        message = "cache.semantic: the input is more than a question, and which property is one nobody says"
        hint = "Add `chat: {question: PROPERTY}`, or leave `semantic` out."
        yield Mistake(located.at(CACHE, "semantic"), message, hint)
