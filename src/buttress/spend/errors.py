"""What can go wrong with money."""

from buttress.kernel.errors import EACH_IS_NAMED, ButtressError


class BudgetExhausted(ButtressError):
    """What an attempt may cost is more than is left of a budget."""

    code = "budget.exhausted"
    hint = "Wait until the budget's window is over, raise its limit in budgets.yaml, or ask a cheaper model."

    def __init__(self, message: str, *, retry_after_s: float | None) -> None:
        """Say until when, in seconds from now; None: waiting is of no use."""
        data: dict[str, object] = {} if retry_after_s is None else {"retry_after_s": retry_after_s}
        super().__init__(message, data=data)
        self.retry_after_s = retry_after_s


class PriceUnknown(ButtressError):
    """Nobody knows what an attempt would cost, and a budget allows only what is known."""

    code = "budget.price_unknown"
    hint = "Give the model a `price:` in models.yaml, or the budget `unpriced: allow`."


class LedgerAway(ButtressError):
    """More money is needed than this process holds, and the ledger cannot be asked now."""

    code = "budget.ledger_away"
    hint = "Check that PostgreSQL is running; what is under way goes on, and small calls may still be paid."
    retryable = True


class BudgetHeld(ButtressError):
    """The money is there, but set aside by calls under way, or held by another worker."""

    code = "budget.held"
    hint = "Ask again in a moment: what is not needed is given back within seconds."
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message, data={"retry_after_s": retry_after_s})


class LedgerBehind(ButtressError):
    """The database was restored and has forgotten what it granted; it has to learn that first."""

    code = "budget.ledger_behind"
    hint = "The background process tells it again from the journals that are kept, within seconds."
    retryable = True


class LeaseEnded(ButtressError):
    """Somebody took the holder of a lease for gone, and ended it."""

    code = "budget.lease_ended"
    hint = "Ask again: the next call begins a new lease. Leave the files of `.buttress/journal` alone."
    retryable = True


class BudgetsInvalid(ButtressError):
    """budgets.yaml holds mistakes."""

    code = "spend.declaration"
    hint = EACH_IS_NAMED
