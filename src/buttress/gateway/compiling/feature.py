"""One feature: its files read, checked, and put together to a release."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TypeGuard

import msgspec

from buttress.gateway.compiling.around import STAGES, Around, Compiled
from buttress.gateway.compiling.caching import compile_cache
from buttress.gateway.compiling.chatting import compile_chat
from buttress.gateway.compiling.declared import (
    DEFAULT_INPUT,
    CostEntry,
    FallbackPassagesEntry,
    FallbackTextEntry,
    FeatureEntry,
    LatencyEntry,
    referenced_files,
)
from buttress.gateway.compiling.files import TextFile, Unreadable, read_file
from buttress.gateway.compiling.schemas import Files, Schema, input_mistakes, properties, read_schema
from buttress.gateway.compiling.stages import compile_stages, order_mistakes
from buttress.kernel.cached import CachePolicy
from buttress.kernel.catalogue import Catalogue
from buttress.kernel.errors import Location, Mistake
from buttress.kernel.located import Located, convert_all, did_you_mean, parse_yaml
from buttress.releases.types import (
    Chat,
    CostTarget,
    Fallback,
    FallbackPassages,
    FallbackText,
    LatencyBudget,
    Release,
    WritingStage,
    identified,
)
from buttress.spend.declaration import dollars

FEATURE_FILE = "feature.yaml"

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""In JSON. PostgreSQL cannot keep it."""

_FALLBACK_HINT = "Add what is said when there is no answer: `fallback: {kind: text, text: I do not know.}`"
_NO_STAGES_HINT = "Add at least one: rules, retrieve, generate or map."


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """A feature without mistakes, before it is a release."""

    entry: FeatureEntry
    input: Schema
    chat: Chat | None
    latency: LatencyBudget | None
    cost: CostTarget | None
    cache: CachePolicy | None
    stages: tuple[Compiled, ...]
    fallback: Fallback


def compile_feature(
    folder: Path, catalogue: Catalogue | None, knowledge: Collection[str]
) -> Release | list[Mistake]:
    """Return the release of the feature in `folder`, or everything wrong with its files, by file and line.

    The feature's name is the folder's. `catalogue` None means that models.yaml has mistakes of its own: then
    a feature without mistakes gives an empty list.
    """
    declared = read_file(folder, FEATURE_FILE)
    if isinstance(declared, Unreadable):
        return [declared.at(Location(folder / FEATURE_FILE))]
    located = parse_yaml(declared.text, declared.path)
    if isinstance(located, Mistake):
        return [located]
    files = {name: read_file(folder, name) for name in referenced_files(located)}
    parts = _check(located, files, catalogue, knowledge)
    if isinstance(parts, list):
        return sorted(parts, key=_place)
    if catalogue is None:
        return []
    release = _release(folder.name or folder.resolve().name, parts, files, catalogue)
    if _NUL.search(msgspec.json.encode(release)):
        message, hint = "a text of the feature holds a NUL character", "Take the `\\0` or `\\u0000` out."
        return [Mistake(Location(declared.path), message, hint)]
    return release


def _place(mistake: Mistake) -> tuple[str, int]:
    return str(mistake.where.path), mistake.where.line or 0


def _check(
    located: Located, files: Files, catalogue: Catalogue | None, knowledge: Collection[str]
) -> Parts | list[Mistake]:
    entry = convert_all(located, FeatureEntry)
    if not isinstance(located.value, dict):
        return entry if isinstance(entry, list) else []
    input_schema = _input(located, files)
    around = Around(
        located=located,
        files=files,
        knowledge=knowledge,
        catalogue=catalogue,
        variables=None if isinstance(input_schema, list) else tuple(properties(input_schema)),
    )
    stages = compile_stages(around)
    fallback = _fallback(located)
    chat = None if isinstance(input_schema, list) else compile_chat(located, input_schema)
    latency, cost = _latency(located), _cost(located)
    cache = _cache(located, chat, stages)
    parts: list[object] = [input_schema, _output_mistakes(located), chat, latency, cost, cache]
    results: list[object] = [entry, *parts, *stages, fallback]
    mistakes = [mistake for result in results if _are_mistakes(result) for mistake in result]
    mistakes += order_mistakes(located, stages)
    if located.get(STAGES) == []:
        mistakes.append(Mistake(located.at(STAGES), "no stages", _NO_STAGES_HINT))
    if mistakes or isinstance(entry, list) or isinstance(input_schema, list) or isinstance(fallback, list):
        return mistakes
    return Parts(
        entry=entry,
        input=input_schema,
        chat=chat if isinstance(chat, Chat) else None,
        latency=latency if isinstance(latency, LatencyBudget) else None,
        cost=cost if isinstance(cost, CostTarget) else None,
        cache=cache if isinstance(cache, CachePolicy) else None,
        stages=tuple(stage for stage in stages if isinstance(stage, Compiled)),
        fallback=fallback,
    )


def _are_mistakes(result: object) -> TypeGuard[list[Mistake]]:
    return isinstance(result, list)


def _input(located: Located, files: Files) -> Schema | list[Mistake]:
    if located.get("input") is None:
        return DEFAULT_INPUT
    schema = read_schema(located, "input", files)
    if isinstance(schema, list):
        return schema
    return input_mistakes(schema, lambda *keys: located.at("input", *keys)) or schema


def _output_mistakes(located: Located) -> list[Mistake]:
    if located.get("output") is None:
        return []
    message = "`output` is not built yet: an answer is a text, and nothing would be checked against a schema"
    return [
        Mistake(located.at("output"), message, "Leave it out; ask for the form of the answer in the prompt.")
    ]


def _latency(located: Located) -> LatencyBudget | list[Mistake] | None:
    if located.get("latency") is None:
        return None
    entry = convert_all(located, LatencyEntry, "latency")
    if isinstance(entry, list):
        return entry
    if entry.when_late == "job":
        where, message = located.at("latency", "when_late"), "latency.when_late: `job` is not built yet"
        return [Mistake(where, message, "Write `when_late: fallback`, or leave it out.")]
    first_ms, total_ms = entry.first_token_ms, entry.total_ms
    if first_ms is None and total_ms is None:
        message, hint = "latency: no limit", "Add `first_token_ms:`, `total_ms:`, or both."
        return [Mistake(located.at("latency"), message, hint)]
    if first_ms is not None and total_ms is not None and first_ms > total_ms:
        message = f"latency: a first token within {first_ms:,} ms, but all of it within {total_ms:,} ms"
        return [Mistake(located.at("latency", "first_token_ms"), message, "Make it less than `total_ms`.")]
    return LatencyBudget(first_token_ms=first_ms, total_ms=total_ms)


def _cost(located: Located) -> CostTarget | list[Mistake] | None:
    if located.get("cost") is None:
        return None
    entry = convert_all(located, CostEntry, "cost")
    if isinstance(entry, list):
        return entry
    amount = dollars(entry.per_interaction)
    if amount is None:
        message = f"cost.per_interaction: `{str(entry.per_interaction)[:40]}` is no amount of money"
        return [Mistake(located.at("cost", "per_interaction"), message, "Write it like `0.02 USD`.")]
    return CostTarget(per_interaction=amount)


def _cache(
    located: Located, chat: Chat | list[Mistake] | None, stages: Sequence[Compiled | list[Mistake]]
) -> CachePolicy | list[Mistake] | None:
    known = [one.stage for one in stages if isinstance(one, Compiled)]
    return compile_cache(located, chat if isinstance(chat, Chat) else None, known)


def _fallback(located: Located) -> Fallback | list[Mistake]:
    value, where = located.get("fallback"), located.at("fallback")
    if value is None:
        return [Mistake(where, "the feature has no fallback", _FALLBACK_HINT)]
    kind = located.get("fallback", "kind")
    if kind == "text":
        text = convert_all(located, FallbackTextEntry, "fallback")
        return text if isinstance(text, list) else FallbackText(text.text)
    if kind == "passages":
        return _fallback_passages(located)
    kinds = ("text", "passages")
    hint = (
        did_you_mean(str(kind), kinds) or "There are: `kind: text` and `kind: passages`, each with `text:`."
    )
    return [Mistake(located.at("fallback", "kind"), f"no fallback is of kind `{kind}`", hint)]


def _fallback_passages(located: Located) -> Fallback | list[Mistake]:
    entry = convert_all(located, FallbackPassagesEntry, "fallback")
    stages = located.get(STAGES)
    count = len(stages) if isinstance(stages, list) else 0
    kinds = [located.get(STAGES, index, "kind") for index in range(count)]
    if "retrieve" not in kinds:
        message = "a fallback of `kind: passages`, but no stage retrieves any"
        hint = "Add a stage of `kind: retrieve`, or write `kind: text`."
        lacking = Mistake(located.at("fallback", "kind"), message, hint)
        return [*(entry if isinstance(entry, list) else []), lacking]
    return entry if isinstance(entry, list) else FallbackPassages(entry.text, entry.passages)


def _release(name: str, parts: Parts, files: Files, catalogue: Catalogue) -> Release:
    stages = tuple(one.stage for one in parts.stages)
    names = {stage.ladder for stage in stages if isinstance(stage, WritingStage)}
    ladders = {one: catalogue.ladder(one) for one in sorted(names)}
    release = Release(
        feature=name,
        description=parts.entry.description,
        input_schema=parts.input,
        chat=parts.chat,
        latency=parts.latency,
        cost=parts.cost,
        cache=parts.cache,
        stages=stages,
        fallback=parts.fallback,
        prompts={one.name: one.text for stage in parts.stages for one in stage.written},
        models={name: catalogue.models[name] for ladder in ladders.values() for name in ladder.names},
        ladders=ladders,
        files={file.name: file.sha256 for file in files.values() if isinstance(file, TextFile)},
    )
    return identified(release)


def mistakes_in(results: Sequence[Release | list[Mistake]]) -> list[Mistake]:
    """Return the mistakes of all `results`, in their order."""
    return [mistake for result in results if isinstance(result, list) for mistake in result]
