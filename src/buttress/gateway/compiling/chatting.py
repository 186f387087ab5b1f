"""How chat clients ask a feature: which property of its input their last message becomes."""

from collections.abc import Collection, Mapping

from buttress.gateway.compiling.declared import ChatEntry
from buttress.gateway.compiling.schemas import Schema, properties
from buttress.kernel.errors import Mistake
from buttress.kernel.located import Located, convert_all, did_you_mean
from buttress.releases.types import Chat

_USUAL = "question"


def compile_chat(located: Located, input_schema: Schema) -> Chat | list[Mistake] | None:
    """Return how messages become the input; None where it takes more than a question, and nobody says how.

    Without `chat.question` it is the property `question`, else the only one that is required.
    """
    declared = located.get("chat") is not None
    entry = convert_all(located, ChatEntry, "chat") if declared else ChatEntry()
    if isinstance(entry, list):
        return entry
    names = properties(input_schema)
    if entry.question is not None and entry.question not in names:
        hint = did_you_mean(entry.question, names) or f"There are: {', '.join(names) or 'none'}."
        message = f"the input has no property `{entry.question}`"
        return [Mistake(located.at("chat", "question"), message, hint)]
    question = entry.question or _asked(input_schema, names)
    if question is None and declared:
        hint = "Name the property that the last message becomes: `chat: {question: NAME}`."
        return [Mistake(located.at("chat"), "the input has no property that is clearly the question", hint)]
    return Chat(question=question, system=entry.system) if question else None


def _asked(schema: Mapping[str, object], names: Collection[str]) -> str | None:
    if _USUAL in names:
        return _USUAL
    required = schema.get("required")
    only = [name for name in required if name in names] if isinstance(required, list) else []
    return str(only[0]) if len(only) == 1 else None
