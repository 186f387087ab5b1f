"""What can go wrong with prompts."""

from buttress.kernel.errors import ButtressError


class PromptTooLong(ButtressError):
    """What must be in the prompt does not fit into the model's window beside the answer."""

    code = "prompts.too_long"
    hint = "Shorten the prompt or the input, lower `max_tokens`, or use a model with a larger window."


class TooManyPieces(ButtressError):
    """A text would have to be read in more pieces than a `map` stage reads."""

    code = "prompts.too_many_pieces"
    hint = "Raise `piece_tokens` of the stage, use a model with a larger window, or give it less to read."


class PiecesAway(ButtressError):
    """The answers to pieces of a long text could not be looked up, or kept; the call went on without."""

    code = "prompts.pieces_away"
    hint = "Look whether PostgreSQL is well; `prompts.map.store_timeout_s` is how long a call waits."
    retryable = True


class PromptUnrenderable(ButtressError):
    """A template cannot be filled in with the values at hand."""

    code = "prompts.unrenderable"
    hint = "See the template at the named line: test what may be missing with `{% if ... %}`."


class MemoryLate(ButtressError):
    """The earlier turns of a conversation were not there in time; the call went on without them."""

    code = "prompts.memory_late"
    hint = "Look whether PostgreSQL is well; `prompts.memory.timeout_s` is how long a call waits."
    retryable = True


class MemoryRefused(ButtressError):
    """The database refused to read or to keep the turns of a conversation."""

    code = "prompts.memory_refused"
    hint = "Check that the user of `storage.database_url` may read and write its tables."
