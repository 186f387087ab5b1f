"""How an answer, a passage and a trace look on a terminal."""

from collections.abc import Iterable, Sequence

import click
import msgspec

from buttress.cli.failures import hint_of, meaning_of
from buttress.cli.plain import one_line, safe
from buttress.gateway.types import Answer, Mapped
from buttress.guardrails.withholding import Reason, Withheld
from buttress.kernel.passages import Citation, CitationState, Passage
from buttress.kernel.spans import Span
from buttress.kernel.usage import format_dollars
from buttress.kernel.wording import counted
from buttress.knowledge.search_types import Standing
from buttress.tracing.types import Trace

_STATE_COLOURS = {
    CitationState.VERBATIM: "green",
    CitationState.SUPPORTED: "cyan",
    CitationState.UNSUPPORTED: "red",
}

_WHY: dict[Reason, str] = {
    "unsupported": "the passage it cites does not say so",
    "uncited": "no passage says so",
    "declined": "it says that there is no answer",
    "leads_nowhere": "nothing that holds follows it",
    "reworded": "in no passage word for word, and the model is weak",
    "too_long": "it is too long to be checked",
    "instruction": "only what a document says to an assistant says so",
}
_MAX_WITHHELD = 160


class Trouble(msgspec.Struct, frozen=True):
    """What kept an answer from being better, and what to do about it."""

    message: str
    hint: str


def print_sources(citations: Sequence[Citation]) -> None:
    """Print each cited place once, with how the answer's sentences stand to it."""
    if not citations:
        return
    click.echo("\nSources")
    for number, cited in _by_number(citations).items():
        states = sorted({one.state for one in cited})
        marks = ", ".join(click.style(state.value, fg=_STATE_COLOURS[state]) for state in states)
        click.echo(f"  [{number}] {one_line(cited[0].place)}  {marks}")


def _by_number(citations: Sequence[Citation]) -> dict[int, list[Citation]]:
    grouped: dict[int, list[Citation]] = {}
    for citation in sorted(citations, key=lambda one: one.number):
        grouped.setdefault(citation.number, []).append(citation)
    return grouped


def print_withheld(withheld: Iterable[Withheld]) -> None:
    """Print in one dim line each what a model wrote that did not go out, and why."""
    for one in withheld:
        click.secho(
            f'\nwithheld: "{_shortened(one_line(" ".join(one.text.split())))}": {_WHY[one.reason]}', dim=True
        )


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_WITHHELD else f"{text[: _MAX_WITHHELD - 1]}…"


def print_footer(answer: Answer) -> None:
    """Print in one dim line what the answer took."""
    parts = [
        answer.outcome if not answer.reason else f"{answer.outcome} ({answer.reason})",
        f"model {answer.model}" if answer.model else "no model",
        *(f"{one.model} failed ({one.code})" for one in answer.failed),
        *([_mapped(answer.mapped)] if answer.mapped else []),
        f"{answer.duration_ms:,.0f} ms",
        f"{answer.usage.total:,} tokens",
        f"cost {format_dollars(answer.cost_nanodollars)}",
        f"buttress trace show {answer.trace_id}",
    ]
    click.secho("\n" + " · ".join(parts), dim=True)


def _mapped(mapped: Mapped) -> str:
    told = {"kept from before": mapped.kept, "left out": len(mapped.left_out)}
    more = "".join(f", {count:,} {what}" for what, count in told.items() if count)
    return f"{counted(mapped.pieces, 'piece')}, {counted(mapped.merges, 'merge')}{more}"


def print_troubles(answer: Answer) -> None:
    """Print on standard error what kept an answer from being better, each with what to do."""
    for trouble in troubles(answer):
        click.secho(f"note: {trouble.message}", fg="yellow", err=True)
        click.echo(f"hint: {trouble.hint}", err=True)


def troubles(answer: Answer) -> list[Trouble]:
    """Return what kept `answer` from being better and can be mended.

    That no document holds an answer is none, nor is the end of a ladder whose models are each named.
    """
    said = {answer.reason: f"this is the fallback, because of {answer.reason}"}
    if answer.failed:
        said = {code: _failed_with(code, answer) for code in (one.code for one in answer.failed)}
    found = [Trouble(message, hint_of(code)) for code, message in said.items()]
    return [one for one in found if one.hint]


def _failed_with(code: str, answer: Answer) -> str:
    models = ", ".join(one.model for one in answer.failed if one.code == code)
    return f"failed with {code}: {models}: {meaning_of(code)}"


def print_passages(passages: Iterable[Passage], standings: Sequence[Standing] = ()) -> None:
    """Print passages, best first, each with its place and figures, and how it stood where that is given."""
    for number, passage in enumerate(passages, start=1):
        figures = f"score {passage.score:.3f}  cosine {passage.cosine:.2f}  coverage {passage.coverage:.0%}"
        click.secho(f"{number}. {one_line(passage.place)}", bold=True)
        click.secho(f"   {figures}  characters {passage.start}-{passage.end}", dim=True)
        if number <= len(standings):
            click.secho(f"   {_stood(standings[number - 1])}", dim=True)
        click.echo("\n".join(f"   {line}" for line in safe(passage.text).strip().splitlines()) + "\n")


def _stood(one: Standing) -> str:
    """Return the ranks of a passage, with the scores that are not among its figures."""
    ranks = [
        _rank("dense", one.dense_rank, None),
        _rank("BM25", one.bm25_rank, one.bm25_score),
        _rank("fused", one.fused_rank, one.fused_score),
    ]
    if one.rerank_rank is not None:
        ranks.append(_rank("re-ranked", one.rerank_rank, one.rerank_score))
    return "  ".join(ranks)


def _rank(stage: str, rank: int | None, score: float | None) -> str:
    if rank is None:
        return f"{stage} not found"
    return f"{stage} #{rank}" + ("" if score is None else f" ({score:.3f})")


def print_trace(trace: Trace) -> None:
    """Print one call: what came in, each step with its time, what went out."""
    click.secho(f"{trace.trace_id}  {one_line(trace.feature)}  {trace.outcome}", bold=True)
    is_lost = trace.outcome == "lost"
    facts = {
        "at": trace.started_at.isoformat(timespec="milliseconds"),
        "took": "unknown" if is_lost else f"{trace.duration_ms:,.1f} ms",
        "release": trace.release_id or "none",
        "model": trace.model or "none",
        "user": trace.user_id or "none",
        "tokens": "unknown" if is_lost else f"{trace.usage.total:,}",
        "cost": format_dollars(trace.cost_nanodollars) + _estimated(trace),
        "ended by": trace.error_code or ("client" if trace.outcome == "cancelled" else "its end"),
    }
    for name, value in facts.items():
        click.echo(f"  {name:<9} {one_line(value)}")
    _print_steps(trace.spans)
    _print_attempts(trace)
    for title, text in (("asked", str(trace.input)), ("answered", trace.answer)):
        click.echo(f"\n{title}\n" + "\n".join(f"  {line}" for line in safe(text).splitlines()))


def _estimated(trace: Trace) -> str:
    is_estimated = any(attempt.get("is_estimated") for attempt in trace.attempts)
    return " estimated" if is_estimated and trace.cost_nanodollars is not None else ""


def _print_steps(spans: Sequence[Span]) -> None:
    click.echo("\nsteps")
    for span in spans:
        name = f"{'  ' * span.depth}{span.name}"
        note = " ".join(f"{key}={value}" for key, value in span.data.items())
        error = click.style(f" {one_line(span.error)}", fg="red") if span.error else ""
        click.echo(
            f"  {span.start_ms:9.1f} ms  +{span.duration_ms or 0:8.1f} ms  {name:<16}{one_line(note)}{error}"
        )


def _print_attempts(trace: Trace) -> None:
    for attempt in trace.attempts:
        error = f" ({attempt['error_code']})" if attempt.get("error_code") else ""
        click.echo(one_line(f"  attempt at {attempt['model']}: {attempt['outcome']}{error}"))
