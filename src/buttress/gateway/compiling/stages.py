"""Stages: each by itself, and whether it can ever run. Pure."""

from collections.abc import Callable, Iterator, Sequence

from buttress.gateway.compiling.around import STAGES, Around, Compiled, Result
from buttress.gateway.compiling.declared import GenerateEntry, RetrieveEntry, RulesEntry
from buttress.gateway.compiling.files import Unreadable, plain_name
from buttress.gateway.compiling.mapping import compile_map
from buttress.gateway.compiling.prompts import (
    Written,
    ladder_mistake,
    read_prompt,
    unused_mistake,
    use_mistakes,
    window_mistakes,
)
from buttress.gateway.compiling.rules import always_matches, compile_rule, unreachable_rules
from buttress.kernel.errors import Mistake
from buttress.kernel.located import Keys, Located, convert_all, did_you_mean
from buttress.prompts.templates import parse_text
from buttress.releases.types import (
    FunctionRule,
    GenerateStage,
    RegexRule,
    RetrieveStage,
    RulesStage,
    TableRule,
)


def compile_stages(around: Around) -> list[Result]:
    """Return each stage of feature.yaml, or everything wrong with it."""
    return [_compile_stage(around, index) for index in range(len(_items(around.located)))]


def order_mistakes(located: Located, results: Sequence[Result]) -> Iterator[Mistake]:
    """Yield stages that can never run, that stand in the wrong place, or have a name twice."""
    kinds = [located.get(STAGES, index, "kind") for index in range(len(_items(located)))]
    yield from _repeated_names(located, len(kinds))
    if "map" in kinds and located.get("latency", "first_token_ms") is not None:
        message = "a `map` stage says nothing before all is read: no first token can be waited for"
        yield Mistake(located.at("latency", "first_token_ms"), message, "Leave it out; `total_ms` holds.")
    end: str | None = None
    for index, kind in enumerate(kinds):
        where, before = located.at(STAGES, index), kinds[:index]
        if end:
            yield Mistake(where, f"this stage can never run: {end}", "Put it before, or leave it out.")
        elif kind == "retrieve" and "retrieve" in before:
            yield Mistake(
                where, "a second stage of `kind: retrieve`", "A feature has one; leave this one out."
            )
        elif kind == "map" and "retrieve" in before:
            yield Mistake(
                where, "a `map` stage reads all of a text: it needs no passages", "Leave `retrieve` out."
            )
        elif kind == "rules" and "retrieve" in before:
            yield Mistake(where, "rules come before `retrieve`: they need no passages", "Move this stage up.")
        end = end or _ends(kind, results[index])


def _repeated_names(located: Located, count: int) -> Iterator[Mistake]:
    names = [located.get(STAGES, index, "name") for index in range(count)]
    for index, name in enumerate(names):
        if isinstance(name, str) and name in names[:index]:
            message = f"a second stage called `{name}`"
            yield Mistake(located.at(STAGES, index, "name"), message, "Give each stage a name of its own.")


def _ends(kind: object, result: Result) -> str | None:
    """Return why nothing runs behind a stage, if so."""
    if kind in ("generate", "map"):
        return f"the stage of `kind: {kind}` before it always answers or falls back"
    if not isinstance(result, Compiled) or not isinstance(result.stage, RulesStage):
        return None
    return "a rule before it matches everything" if any(map(always_matches, result.stage.rules)) else None


def _items(located: Located) -> list[object]:
    stages = located.get(STAGES)
    return stages if isinstance(stages, list) else []


def _compile_stage(around: Around, index: int) -> Result:
    located, keys = around.located, (STAGES, index)
    if not isinstance(located.get(*keys), dict):
        hint = "Write `name:`, `kind:` and what that kind needs."
        return [Mistake(located.at(*keys), f"{STAGES}.{index}: expected a stage", hint)]
    kind = located.get(*keys, "kind")
    if isinstance(kind, str) and kind in _COMPILERS:
        return _COMPILERS[kind](around, keys)
    known = ", ".join(_COMPILERS)
    message = f"{STAGES}.{index}: no stage is of kind `{kind}`" if kind else f"{STAGES}.{index}: no `kind`"
    hint = did_you_mean(str(kind), _COMPILERS) or f"There are: {known}."
    return [Mistake(located.at(*keys, "kind"), message, hint)]


def _rules(around: Around, keys: Keys) -> Result:
    located = around.located
    entry = convert_all(located, RulesEntry, *keys)
    count = len(listed) if isinstance(listed := located.get(*keys, "rules"), list) else 0
    rules = [compile_rule(located, (*keys, "rules", index), around.files) for index in range(count)]
    mistakes = [
        *(entry if isinstance(entry, list) else _text_mistakes(entry.match, around, (*keys, "match"))),
        *(mistake for rule in rules if isinstance(rule, list) for mistake in rule),
        *unreachable_rules(rules, located, (*keys, "rules")),
    ]
    if mistakes or isinstance(entry, list):
        return mistakes
    right = tuple(rule for rule in rules if isinstance(rule, TableRule | RegexRule | FunctionRule))
    return Compiled(RulesStage(name=entry.name, rules=right, match=entry.match))


def _retrieve(around: Around, keys: Keys) -> Result:
    located = around.located
    entry = convert_all(located, RetrieveEntry, *keys)
    if isinstance(entry, list):
        return entry
    mistakes = _text_mistakes(entry.query, around, (*keys, "query"))
    if entry.knowledge not in around.knowledge:
        known = sorted(around.knowledge)
        hint = did_you_mean(entry.knowledge, known) or f"There are: {', '.join(known) or 'none'}."
        message = f"no knowledge base is called `{entry.knowledge}`"
        mistakes.append(Mistake(located.at(*keys, "knowledge"), message, hint))
    if around.variables and "passages" in around.variables:
        message, hint = "the input has a property `passages`, as the retrieved ones are called", "Rename it."
        mistakes.append(Mistake(located.at("input", "properties", "passages"), message, hint))
    stage = RetrieveStage(
        name=entry.name,
        knowledge=entry.knowledge,
        query=entry.query,
        limit=entry.passages,
        thresholds=entry.relevance,
    )
    return mistakes or Compiled(stage)


def _generate(around: Around, keys: Keys) -> Result:
    located = around.located
    entry = convert_all(located, GenerateEntry, *keys)
    written = _written(around, keys)
    ladder = located.get(*keys, "ladder")
    mistakes = [
        *(entry if isinstance(entry, list) else []),
        *(written if isinstance(written, list) else _prompt_mistakes(written, around, keys)),
    ]
    if around.catalogue and isinstance(ladder, str) and ladder:
        mistakes += ladder_mistake(ladder, around.catalogue, located.at(*keys, "ladder"))
    if mistakes or isinstance(entry, list) or isinstance(written, list):
        return mistakes
    return _generating(entry, written, around, keys)


def _generating(entry: GenerateEntry, written: Written, around: Around, keys: Keys) -> Result:
    models = around.catalogue.rungs(entry.ladder) if around.catalogue else ()
    least = min((model.max_output_tokens for model in models), default=1)
    prompt = written.prompt
    temperatures = (one for one in (entry.temperature, prompt.temperature) if one is not None)
    stage = GenerateStage(
        name=entry.name,
        prompt=written.name,
        ladder=entry.ladder,
        max_tokens=entry.max_tokens or prompt.max_tokens or least,
        temperature=next(temperatures, 0.0),
        unsupported=entry.unsupported,
    )
    where = around.located.at(*keys, "ladder" if entry.max_tokens is None else "max_tokens")
    return list(window_mistakes(written, models, stage.max_tokens, where)) or Compiled(stage, (written,))


def _written(around: Around, keys: Keys) -> Written | list[Mistake]:
    """Return the prompt of a generate stage, whatever else is wrong with the stage."""
    located, where = around.located, around.located.at(*keys, "prompt")
    name = located.get(*keys, "prompt")
    if not isinstance(name, str) or not name:
        return read_prompt(None, where)
    file = around.files[plain_name(name)]
    return [file.at(where)] if isinstance(file, Unreadable) else read_prompt(file, where)


def _prompt_mistakes(written: Written, around: Around, keys: Keys) -> list[Mistake]:
    if around.variables is None:
        return []
    located = around.located
    before = range(int(keys[-1]))
    retrieved = any(located.get(STAGES, index, "kind") == "retrieve" for index in before)
    found = use_mistakes(written.prompt.uses, written.path, around.variables, retrieved=retrieved)
    if retrieved:
        found += unused_mistake(written, located.at(*keys, "prompt"))
    if located.get(*keys, "prompt") is not None:
        return found
    where, without = located.at(*keys), "Name a prompt of your own: `prompt: answer.md`."
    return [Mistake(where, f"the default prompt does not fit: {one.message}", without) for one in found]


def _text_mistakes(source: str, around: Around, keys: Keys) -> list[Mistake]:
    """Return what is wrong with a template in feature.yaml, which may use the input only."""
    where = around.located.at(*keys)
    uses = parse_text(source, where)
    if isinstance(uses, list) or around.variables is None:
        return uses if isinstance(uses, list) else []
    return use_mistakes(uses, where.path, around.variables, retrieved=False)


_COMPILERS: dict[str, Callable[[Around, Keys], Result]] = {
    "rules": _rules,
    "retrieve": _retrieve,
    "generate": _generate,
    "map": compile_map,
}
