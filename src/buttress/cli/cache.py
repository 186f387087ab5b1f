"""`buttress cache`: what is kept of answers, forgetting it, and how like two questions must be."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import click
import msgspec

from buttress.app.buttress import Buttress
from buttress.app.recalling import forget_answers
from buttress.app.storage import project_database
from buttress.caching.errors import PairsInvalid
from buttress.caching.store import AnswerStore
from buttress.caching.tuning import CONFIDENCE, Judged, Pair, Tried, Tuning, read_pairs, tune
from buttress.caching.types import Held
from buttress.caching.verifying import ask_the_same
from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.cli.plain import one_line
from buttress.kernel.clock import SystemClock
from buttress.kernel.usage import format_dollars
from buttress.kernel.wording import counted
from buttress.settings.loading import Loaded
from buttress.tracing.errors import TraceUnknown
from buttress.tracing.saved import Saved, saved
from buttress.tracing.types import Trace


class Stats(msgspec.Struct, frozen=True):
    """What is kept, and what giving it again has saved."""

    kept: list[Held]
    saved: list[Saved]


class WouldBe(msgspec.Struct, frozen=True):
    """A question `a` that would have got the answer to `b`, and their cosine."""

    a: str
    b: str
    cosine: float


_EMPTY = "no answer is kept; let a feature keep them: `cache: {ttl_s: 3600}` in its feature.yaml"
_TEXTS_AT_ONCE = 64


@click.group()
def cache() -> None:
    """Look at the answers that are kept, forget them, tune how like questions must be."""


@cache.command()
@click.option("--tenant", help="Only answers of this tenant.")
@click.option("--feature", help="Only answers of this feature.")
@click.option(
    "--days",
    type=click.IntRange(1, 3_650),
    default=30,
    show_default=True,
    help="Of how many days hits count.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; money in nano-dollars.")
@click.pass_obj
def stats(
    invocation: Invocation, tenant: str | None, feature: str | None, days: int, *, as_json: bool
) -> None:
    """Print how much is kept in PostgreSQL, what it took to make, and what giving it again has saved."""
    found = asyncio.run(_stats(loaded_settings(invocation), tenant, feature, days))
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    for held in found.kept:
        click.echo(_line(held))
    for one in found.saved:
        click.echo(_saved(one, days))
    if not found.kept:
        click.echo(_EMPTY, err=True)


@cache.command()
@click.option("--tenant", help="Only answers of this tenant.")
@click.option("--feature", help="Only answers of this feature.")
@click.pass_obj
def clear(invocation: Invocation, tenant: str | None, feature: str | None) -> None:
    """Forget answers, those in the memory of running workers too; all of them without an option."""
    gone = asyncio.run(_forget(loaded_settings(invocation), tenant, feature))
    click.echo(f"{counted(gone, 'answer')} forgotten")


@cache.command()
@click.option("--tenant", default="default", show_default=True, help="Whose calls.")
@click.option("--feature", help="Only calls of this feature.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=1_000,
    show_default=True,
    help="How many calls to look at, newest first.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each, to be labelled.")
@click.pass_obj
def shadow(invocation: Invocation, tenant: str, feature: str | None, limit: int, *, as_json: bool) -> None:
    """Print what a semantic cache in the shadow would have given: the question, and whose answer it had got.

    With --json each is {"a": "…", "b": "…", "same": null}: write true or false, then: buttress cache tune.
    """
    found = asyncio.run(_would_be(loaded_settings(invocation), tenant, feature, limit))
    for one in found:
        click.echo(_labelled(one) if as_json else one_line(f"{one.cosine:.3f}  {one.a}  <->  {one.b}"))
    if not found:
        click.echo("no such call; let a feature look for them: `cache: {semantic: {}}`", err=True)


@cache.command("tune")
@click.argument("labelled", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--most-false",
    type=click.FloatRange(0.0001, 0.5),
    default=0.01,
    show_default=True,
    help="Share of hits that may be false.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def tune_threshold(invocation: Invocation, labelled: Path, most_false: float, *, as_json: bool) -> None:
    """Pick the threshold of a semantic cache by LABELLED pairs of questions (JSONL).

    A line is {"a": "one question", "b": "another", "same": true}. The pairs should be such as real calls
    make: the shadow mode shows them.
    """
    pairs = read_pairs(labelled.read_text("utf-8"))
    if isinstance(pairs, str):
        raise PairsInvalid(f"{labelled}: {pairs}")
    judged = asyncio.run(_judged(loaded_settings(invocation), pairs))
    tuning = tune(judged, most_false)
    if as_json:
        click.echo(msgspec.json.encode(tuning))
        return
    click.echo("threshold   hits  false  at most   recall")
    for one in tuning.tried:
        click.echo(_tried(one))
    click.echo(advice(tuning, most_false))


def _line(one: Held) -> str:
    return one_line(
        f"{one.tenant:<16} {one.feature:<20} {one.entries:>8,} answers {one.size_bytes / 1e6:>9,.2f} MB  "
        f"{one.tokens:>12,} tokens  {format_dollars(one.cost)}"
    )


def _saved(one: Saved, days: int) -> str:
    unknown = f", {one.unpriced:,} at a cost nobody knows" if one.unpriced else ""
    return one_line(
        f"{one.tenant:<16} {one.feature:<20} {one.hits:>8,} hits in {days} days saved "
        f"{one.tokens:,} tokens, {format_dollars(one.cost)}{unknown}"
    )


def _tried(one: Tried) -> str:
    return f"     {one.threshold:.2f} {one.hits:>6,} {one.false:>6,} {one.at_most:>8.2%} {one.recall:>8.1%}"


def advice(tuning: Tuning, most_false: float) -> str:
    """Return what to write into feature.yaml; or how much is missing to say so."""
    if tuning.chosen:
        return (
            f"cache: {{semantic: {{threshold: {tuning.chosen.threshold:.2f}}}}} has at most "
            f"{tuning.chosen.at_most:.2%} false hits (confidence {CONFIDENCE:.0%})"
        )
    return (
        f"No threshold is shown to have at most {most_false:.2%} false hits. It takes {tuning.needed:,} hits "
        "without a false one, more with some: label more pairs, or leave `semantic` in the shadow."
    )


async def _stats(loaded: Loaded, tenant: str | None, feature: str | None, days: int) -> Stats:
    clock = SystemClock()
    since = clock.now() - timedelta(days=days)
    async with project_database(loaded, clock) as database:
        return Stats(
            await AnswerStore(database).held(tenant, feature),
            await saved(database, since, tenant=tenant, feature=feature),
        )


async def _forget(loaded: Loaded, tenant: str | None, feature: str | None) -> int:
    async with project_database(loaded, SystemClock()) as database:
        return await forget_answers(database, tenant, feature)


def _labelled(one: WouldBe) -> str:
    return msgspec.json.encode({"a": one.a, "b": one.b, "same": None}).decode()


async def _would_be(loaded: Loaded, tenant: str, feature: str | None, limit: int) -> list[WouldBe]:
    found: list[WouldBe] = []
    async with Buttress.opened(loaded) as buttress:
        store = await buttress.traces()
        for trace in await store.latest(tenant, feature=feature, limit=limit):
            for trace_id, cosine in _shadows(trace):
                with suppress(TraceUnknown):  # it is older than what is kept
                    other = await store.get(tenant, trace_id)
                    found.append(WouldBe(_question(trace), _question(other), cosine))
    return found


def _shadows(trace: Trace) -> Iterator[tuple[str, float]]:
    """Yield the trace whose answer would have been given, and the cosine of the questions."""
    for span in trace.spans:
        similar = span.data.get("similar")
        if "would_recall" in span.data and isinstance(similar, dict):
            yield str(span.data["would_recall"]), float(similar.get("cosine", 0.0))


def _question(trace: Trace) -> str:
    asked = trace.input.get("question")
    return asked if isinstance(asked, str) else msgspec.json.encode(trace.input).decode()


async def _judged(loaded: Loaded, pairs: Sequence[Pair]) -> list[Judged]:
    texts = list(dict.fromkeys(text for pair in pairs for text in (pair.a, pair.b)))
    vectors: dict[str, list[float]] = {}
    async with Buttress.opened(loaded) as buttress:
        for at in range(0, len(texts), _TEXTS_AT_ONCE):
            some = texts[at : at + _TEXTS_AT_ONCE]
            embedded = await buttress.engine.embed(some)
            vectors.update(zip(some, embedded.vectors, strict=True))
    return [
        Judged(_cosine(vectors[one.a], vectors[one.b]), not ask_the_same(one.a, one.b), one.same)
        for one in pairs
    ]


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the cosine of two vectors of length 1."""
    return sum(here * there for here, there in zip(one, other, strict=True))
