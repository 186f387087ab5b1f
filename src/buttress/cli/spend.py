"""`buttress budget` and `buttress spend`: what is left of the money, and where it went."""

import asyncio
from collections.abc import Sequence

import click
import msgspec

from buttress.app.project import declared_budgets
from buttress.app.storage import project_database
from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.cli.plain import one_line
from buttress.kernel.clock import SystemClock
from buttress.kernel.usage import NanoDollars, format_dollars
from buttress.kernel.wording import counted
from buttress.settings.loading import Loaded
from buttress.spend.budgets import Budget
from buttress.spend.states import MAX_ACCOUNTS, AccountState, account_states
from buttress.tracing.spending import MAX_DAYS, MAX_GROUPS, Wanted, asked_for
from buttress.tracing.spent import DIMENSIONS, Asked, Dimension, Spent, spent

_BAR = 20
_NO_BUDGETS = "no budgets yet; declare one in budgets.yaml: budgets: {team: {limit: 50 USD, window: month}}"
_NO_CALLS = "nothing was asked in that time"
_NOBODY = "(none)"


@click.command()
@click.option(
    "--most",
    type=click.IntRange(1, MAX_ACCOUNTS),
    default=20,
    show_default=True,
    help="Accounts of each budget, those that have spent most.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array; money in nano-dollars.")
@click.pass_obj
def budget(invocation: Invocation, most: int, *, as_json: bool) -> None:
    """Show what is used of each budget, what is left, and until when.

    What calls have spent is here about two seconds later.
    """
    loaded = loaded_settings(invocation)
    budgets = declared_budgets(loaded.project)
    found = asyncio.run(_states(loaded, budgets, most)) if budgets else []
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    for one in found:
        click.echo(_state(one))
    for name in sorted({one.name for one in budgets} - {one.budget for one in found}):
        click.echo(f"{one_line(name)}: nobody has spent anything yet")
    if not budgets:
        click.echo(_NO_BUDGETS, err=True)


async def _states(loaded: Loaded, budgets: Sequence[Budget], most: int) -> list[AccountState]:
    clock = SystemClock()
    async with project_database(loaded, clock) as database:
        return await account_states(database, budgets, clock.now(), most)


def _state(one: AccountState) -> str:
    whose = ", ".join(value or _NOBODY for value in one.owner.values())
    share = one.used / one.limit
    said = [
        f"{bar(share)} {share:6.1%}",
        f"{format_dollars(one.used)} of {format_dollars(one.limit)} this {one.window}",
    ]
    if one.held:
        said.append(f"{format_dollars(one.held)} set aside")
    if one.assumed:
        said.append(f"{format_dollars(one.assumed)} assumed")
    if one.unpriced:
        said.append(f"{counted(one.unpriced, 'call')} of unknown cost")
    if one.ends_at:
        said.append(f"until {one.ends_at.strftime('%Y-%m-%d %H:%M')} UTC")
    if not one.is_hard:
        said.append("only warns")
    return one_line(f"{one.budget}{f' {whose}' if whose else ''}  {' · '.join(said)}")


def bar(share: float) -> str:
    """Return a share of 1 as a bar of text; what is beyond fills it."""
    filled = round(min(1.0, max(0.0, share)) * _BAR)
    return "█" * filled + "░" * (_BAR - filled)


@click.command()
@click.option(
    "--by",
    default="feature",
    show_default=True,
    metavar="NAME[,NAME...]",
    help=f"What to divide by: {', '.join(DIMENSIONS)}.",
)
@click.option(
    "--days",
    type=click.FloatRange(0, MAX_DAYS, min_open=True),
    default=30,
    show_default=True,
    help="How many days back, the first one whole.",
)
@click.option("--tenant", help="Only calls of this tenant.")
@click.option("--zone", default="UTC", show_default=True, help="The time zone whose days are meant.")
@click.option("--most", type=click.IntRange(1, MAX_GROUPS), default=50, show_default=True, help="Lines.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array; money in nano-dollars.")
@click.pass_obj
def spend(  # noqa: PLR0913 - one for each option
    invocation: Invocation, by: str, days: float, tenant: str | None, zone: str, most: int, *, as_json: bool
) -> None:
    """Show what calls cost, and who asked for it; those that failed are paid for, too."""
    wanted = Wanted(by=by, days=days, tenant=tenant, zone=zone, most=most)
    asked = asked_for(wanted, SystemClock().now())
    found = asyncio.run(_spent(loaded_settings(invocation), asked))
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    for line in _table(found, asked.by):
        click.echo(line)
    if not found:
        click.echo(_NO_CALLS, err=True)


async def _spent(loaded: Loaded, asked: Asked) -> list[Spent]:
    async with project_database(loaded, SystemClock()) as database:
        return await spent(database, asked)


def _table(found: Sequence[Spent], by: Sequence[Dimension]) -> list[str]:
    """Return a head, a line for each group, and the sum where there are several."""
    if not found:
        return []
    rows = [[one_line(one.of[name]) or _NOBODY for name in by] + _figures(one) for one in found]
    if len(found) > 1:
        # A call that asked two models is in two lines: calls are not summed up.
        rows.append(["sum", *[""] * (len(by) - 1), "", *_figures(_sum(found))[1:]])
    rows.insert(0, [*by, "calls", "attempts", "tokens", "cost"])
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return ["  ".join(_placed(row, widths, len(by))) for row in rows]


def _figures(one: Spent) -> list[str]:
    unknown = f" and {one.unpriced:,} of unknown cost" if one.unpriced else ""
    return [f"{one.calls:,}", f"{one.attempts:,}", f"{one.tokens:,}", f"{format_dollars(one.cost)}{unknown}"]


def _sum(found: Sequence[Spent]) -> Spent:
    return Spent(
        of={},
        calls=0,
        attempts=sum(one.attempts for one in found),
        cost=NanoDollars(sum(one.cost for one in found)),
        unpriced=sum(one.unpriced for one in found),
        tokens=sum(one.tokens for one in found),
    )


def _placed(row: Sequence[str], widths: Sequence[int], names: int) -> list[str]:
    """Return the cells at their widths: names to the left, figures to the right."""
    sized = list(zip(row, widths, strict=True))
    return [
        *(cell.ljust(width) for cell, width in sized[:names]),
        *(cell.rjust(width) for cell, width in sized[names:-1]),
        row[-1],
    ]
