"""`buttress ask`: ask a feature, and stream its cited answer."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

import click
import msgspec

from buttress.app.buttress import Buttress
from buttress.cli.failures import CommandMisused
from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.cli.plain import safe
from buttress.cli.printing import print_footer, print_sources, print_troubles, print_withheld, troubles
from buttress.cli.reading import ReadingBar
from buttress.gateway.types import Answer, Ended, Event, Held, Progressed, Text
from buttress.guardrails.withholding import Withheld
from buttress.settings.loading import Loaded


class _Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks."""

    feature: str
    input: dict[str, object]
    user: str | None
    group: tuple[str, ...]
    tenant: str
    conversation: str | None


@click.command()
@click.argument("feature")
@click.argument("question", required=False)
@click.option(
    "--input",
    "input_json",
    metavar="JSON",
    help="The whole input as one JSON object; `-` reads it from stdin.",
)
@click.option("--user", help="On whose behalf; decides which documents are seen.")
@click.option("--group", multiple=True, metavar="NAME", help="A group the user is in; may be given often.")
@click.option("--tenant", default="default", show_default=True, help="The tenant that asks.")
@click.option(
    "--conversation", metavar="ID", help="Go on with the user's conversation of this id, and keep it."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when the answer is whole.")
@click.pass_obj
def ask(
    invocation: Invocation, /, feature: str, question: str | None, input_json: str | None, **options: object
) -> None:
    """Ask FEATURE a QUESTION, and stream its answer with its sources.

    QUESTION becomes the property `question` of the feature's input; give --input for anything else.
    """
    as_json = bool(options.pop("as_json"))
    given = _input(question, input_json)
    asked = msgspec.convert({"feature": feature, "input": given, **options}, _Question)
    asyncio.run(_ask(loaded_settings(invocation), asked, as_json=as_json))


def _input(question: str | None, input_json: str | None) -> dict[str, object]:
    if (question is None) == (input_json is None):
        raise CommandMisused("give a QUESTION or --input, one of them")
    if input_json is None:
        return {"question": question}
    try:
        given = sys.stdin.buffer.read() if input_json == "-" else input_json
        return msgspec.json.decode(given, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise CommandMisused(f"--input is not a JSON object: {error}") from error


async def _ask(loaded: Loaded, question: _Question, *, as_json: bool) -> None:
    async with Buttress.opened(loaded) as buttress:
        events = buttress.stream(
            question.feature,
            question.input,
            user=question.user,
            tenant=question.tenant,
            groups=question.group,
            conversation=question.conversation,
        )
        if as_json:
            click.echo(msgspec.json.encode(_told(await _whole(events))))
        else:
            await print_answer(events)


async def _whole(events: AsyncGenerator[Event, None]) -> Answer:
    return next(event.answer for event in [one async for one in events] if isinstance(event, Ended))


def _told(answer: Answer) -> dict[str, object]:
    """Return an answer with its `troubles`: what kept it from being better, and what to do about it."""
    return {**msgspec.structs.asdict(answer), "troubles": troubles(answer)}


async def print_answer(
    events: AsyncGenerator[Event, None], *, are_troubles_told: bool = True
) -> Answer | None:
    """Print an answer while it streams, then what was withheld of it, its sources and its troubles.

    Returns it, None if it never ended. What was withheld is only told of a watched call.
    """
    ended: Answer | None = None
    withheld: list[Withheld] = []
    reading = ReadingBar()
    async with aclosing(events) as stream:
        async for event in stream:
            if isinstance(event, Progressed):
                reading.show(event)
                continue
            reading.hide()
            if isinstance(event, Text):
                click.echo(safe(event.text), nl=False)
            elif isinstance(event, Held):
                withheld.append(event.withheld)
            elif isinstance(event, Ended):
                ended = event.answer
    click.echo()
    if ended is not None:
        print_withheld(withheld)
        print_sources(ended.citations)
        print_footer(ended)
        if are_troubles_told:
            print_troubles(ended)
    return ended
