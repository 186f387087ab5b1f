"""What a generate stage writes with: its prompt, the variables in it, its ladder, its window. Pure."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import msgspec

from buttress.gateway.compiling.files import TextFile
from buttress.kernel.catalogue import Catalogue, Model
from buttress.kernel.errors import Location, Mistake
from buttress.kernel.located import did_you_mean
from buttress.kernel.tokens import EstimatedTokens
from buttress.models.declaration import EMBEDDERS, RERANKERS
from buttress.prompts.composing import PASSAGES
from buttress.prompts.defaults import ANSWER, ANSWER_NAME
from buttress.prompts.packing import MESSAGE_TOKENS
from buttress.prompts.passages import FIELDS
from buttress.prompts.templates import parse_prompt
from buttress.prompts.types import Prompt, Use

_ELEMENT = "*"
_NO_MODELS_HINT = (
    "Write models.yaml into the project's folder; without a key: "
    "`models: {quotes: {provider: extractive}}` and `ladders: {answers: [quotes]}`."
)


class Written(msgspec.Struct, frozen=True):
    """A prompt as a release keeps it, and read."""

    name: str
    text: str
    path: Path
    prompt: Prompt


def read_prompt(
    file: TextFile | None, where: Location, default: tuple[str, str] = (ANSWER_NAME, ANSWER)
) -> Written | list[Mistake]:
    """Return the prompt in `file`, the `default` (name and text) without one, or everything wrong with it."""
    name, text = (file.name, file.text) if file else default
    path = file.path if file else where.path
    prompt = parse_prompt(text, path)
    return prompt if isinstance(prompt, list) else Written(name, text, path, prompt)


def use_mistakes(
    uses: Iterable[Use], path: Path, variables: Collection[str], *, retrieved: bool
) -> list[Mistake]:
    """Return each variable that is not there, and each attribute that a passage has not.

    `variables` are the properties of the input; `retrieved` says whether passages were found before.
    """
    known = [*variables, PASSAGES] if retrieved else list(variables)
    mistakes: dict[tuple[int, str], Mistake] = {}
    for use in uses:
        found = _unknown(use, known) if use.name not in known else _attribute(use, retrieved=retrieved)
        if found:
            mistakes.setdefault((use.line, found[0]), Mistake(Location(path, use.line), *found))
    return list(mistakes.values())


def unused_mistake(written: Written, where: Location) -> list[Mistake]:
    """Return what is wrong with a prompt that does not use the passages that were retrieved for it."""
    if PASSAGES in written.prompt.variables:
        return []
    message = f"passages are retrieved before, but `{written.name}` does not use them: it has no `{PASSAGES}`"
    hint = f"Print them in it: `{{{{ {PASSAGES} }}}}`. Or leave the stage of `kind: retrieve` out."
    return [Mistake(where, message, hint)]


def ladder_mistake(name: str, catalogue: Catalogue, where: Location) -> list[Mistake]:
    """Return what is wrong with the ladder or model of that name, for a stage that writes."""
    if rungs := catalogue.rungs(name):
        return [*_silent(rungs, RERANKERS, where), *_silent(rungs, EMBEDDERS, where)]
    known = [*catalogue.ladders, *catalogue.models]
    if not known:
        return [
            Mistake(where, f"no ladder or model is called `{name}`: the project has none", _NO_MODELS_HINT)
        ]
    hint = did_you_mean(name, known) or f"models.yaml has: {', '.join(known)}."
    return [Mistake(where, f"no ladder or model is called `{name}`", hint)]


def _silent(rungs: Iterable[Model], providers: tuple[str, ...], where: Location) -> Iterator[Mistake]:
    """Yield a mistake where models of `providers`, RERANKERS or EMBEDDERS, stand among those that write."""
    does, path = (
        ("re-ranks documents", "rerank") if providers == RERANKERS else ("embeds texts", "embeddings")
    )
    if names := [model.name for model in rungs if model.provider in providers]:
        hint = f"Take it off the ladder; it is asked by POST /v1/{path}."
        yield Mistake(where, f"`{', '.join(names)}` {does}, and writes nothing", hint)


def window_mistakes(
    written: Written, models: Iterable[Model], max_tokens: int, where: Location
) -> Iterator[Mistake]:
    """Yield each model that cannot take the prompt's fixed text and give an answer of `max_tokens`."""
    counter = EstimatedTokens()
    fixed = sum(counter.count(part.fixed.strip()) + MESSAGE_TOKENS for part in written.prompt.sections)
    for model in models:
        if max_tokens > model.max_output_tokens:
            message = (
                f"an answer of {max_tokens:,} tokens, where `{model.name}` gives {model.max_output_tokens:,}"
            )
            yield Mistake(where, message, "Lower `max_tokens`, or raise the model's `max_output_tokens`.")
        if fixed + max_tokens >= model.window_tokens:
            message = (
                f"the window of `{model.name}` ({model.window_tokens:,} tokens) is too small for the prompt "
                f"(about {fixed:,}) and an answer of {max_tokens:,}"
            )
            yield Mistake(where, message, "Shorten the prompt, lower `max_tokens`, or use another model.")


def _unknown(use: Use, known: list[str]) -> tuple[str, str]:
    if use.name == PASSAGES:
        return (
            "`passages` is used, but no passages were retrieved before",
            "Add a stage of `kind: retrieve` before this one.",
        )
    hint = did_you_mean(use.name, known) or f"There are: {', '.join(known) or 'none'}."
    return f"no variable is called `{use.name}`", hint


def _attribute(use: Use, *, retrieved: bool) -> tuple[str, str] | None:
    """Return what is wrong with what is looked up in passages, if anything."""
    if use.name != PASSAGES or not retrieved or len(use.path) < 2:
        return None
    if use.path[1] != _ELEMENT:
        hint = f"Go over them: `{{% for p in passages %}}{{{{ p.{use.path[1]} }}}}{{% endfor %}}`."
        return f"`passages` is a list: it has no `{use.path[1]}`", hint
    if len(use.path) > 2 and use.path[2] not in (*FIELDS, _ELEMENT):
        hint = did_you_mean(use.path[2], FIELDS) or f"A passage has: {', '.join(FIELDS)}."
        return f"a passage has no `{use.path[2]}`", hint
    return None
