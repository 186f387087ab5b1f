"""How an answer, a passage and a trace look on a terminal.

Text that comes from documents, users and models is data: control characters in it are not sent to the
terminal, which would obey them.
"""

import re
from collections.abc import Iterable, Sequence

import click

from buttress.gateway.types import Answer
from buttress.kernel.passages import Citation, CitationState, Passage, page_range
from buttress.kernel.spans import Span
from buttress.kernel.usage import format_dollars
from buttress.tracing.types import Trace

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_STATE_COLOURS = {
    CitationState.VERBATIM: "green",
    CitationState.SUPPORTED: "cyan",
    CitationState.UNSUPPORTED: "red",
}


def safe(text: str) -> str:
    """Return `text` without what a terminal would obey or cannot be sent; line breaks and tabs stay."""
    return _CONTROL.sub("\ufffd", text)


def print_sources(citations: Sequence[Citation]) -> None:
    """Print each cited place once, with how the answer's sentences stand to it."""
    if not citations:
        return
    click.echo("\nSources")
    for number, cited in _by_number(citations).items():
        states = sorted({one.state for one in cited})
        marks = ", ".join(click.style(state.value, fg=_STATE_COLOURS[state]) for state in states)
        click.echo(f"  [{number}] {safe(_place(cited[0]))}  {marks}")


def _by_number(citations: Sequence[Citation]) -> dict[int, list[Citation]]:
    grouped: dict[int, list[Citation]] = {}
    for citation in sorted(citations, key=lambda one: one.number):
        grouped.setdefault(citation.number, []).append(citation)
    return grouped


def _place(citation: Citation) -> str:
    page = "" if citation.page is None else f", {page_range(citation.page, citation.page_end)}"
    section = f", {' > '.join(citation.section)}" if citation.section else ""
    return f"{citation.document}{page}{section}"


def print_footer(answer: Answer) -> None:
    """Print in one dim line what the answer took."""
    parts = [
        answer.outcome if not answer.reason else f"{answer.outcome} ({answer.reason})",
        f"model {answer.model}" if answer.model else "no model",
        f"{answer.duration_ms:,.0f} ms",
        f"{answer.usage.total:,} tokens",
        f"cost {format_dollars(answer.cost_nanodollars)}",
        f"buttress trace show {answer.trace_id}",
    ]
    click.secho("\n" + " · ".join(parts), dim=True)


def print_passages(passages: Iterable[Passage]) -> None:
    """Print passages, best first, each with its place and figures."""
    for number, passage in enumerate(passages, start=1):
        figures = f"score {passage.score:.3f}  cosine {passage.cosine:.2f}  coverage {passage.coverage:.0%}"
        click.secho(f"{number}. {safe(passage.place)}", bold=True)
        click.secho(f"   {figures}  characters {passage.start}-{passage.end}", dim=True)
        click.echo("\n".join(f"   {line}" for line in safe(passage.text).strip().splitlines()) + "\n")


def print_trace(trace: Trace) -> None:
    """Print one call: what came in, each step with its time, what went out."""
    click.secho(f"{trace.trace_id}  {safe(trace.feature)}  {trace.outcome}", bold=True)
    facts = {
        "at": trace.started_at.isoformat(timespec="milliseconds"),
        "took": f"{trace.duration_ms:,.1f} ms",
        "release": trace.release_id or "none",
        "model": trace.model or "none",
        "user": trace.user_id or "none",
        "tokens": f"{trace.usage.total:,}",
        "cost": format_dollars(trace.cost_nanodollars),
        "ended by": trace.error_code or "its end",
    }
    for name, value in facts.items():
        click.echo(f"  {name:<9} {safe(value)}")
    _print_steps(trace.spans)
    _print_attempts(trace)
    for title, text in (("asked", str(trace.input)), ("answered", trace.answer)):
        click.echo(f"\n{title}\n" + "\n".join(f"  {line}" for line in safe(text).splitlines()))


def _print_steps(spans: Sequence[Span]) -> None:
    click.echo("\nsteps")
    for span in spans:
        name = f"{'  ' * span.depth}{span.name}"
        note = " ".join(f"{key}={value}" for key, value in span.data.items())
        error = click.style(f" {safe(span.error)}", fg="red") if span.error else ""
        click.echo(
            f"  {span.start_ms:9.1f} ms  +{span.duration_ms or 0:8.1f} ms  {name:<16}{safe(note)}{error}"
        )


def _print_attempts(trace: Trace) -> None:
    for attempt in trace.attempts:
        error = f" ({attempt['error_code']})" if attempt.get("error_code") else ""
        click.echo(safe(f"  attempt at {attempt['model']}: {attempt['outcome']}{error}"))
