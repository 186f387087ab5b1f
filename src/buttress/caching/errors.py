"""What can go wrong with the cache. No call fails for it: each is a miss, with its code in the trace."""

from buttress.kernel.errors import ButtressError


class LookupLate(ButtressError):
    """PostgreSQL did not say in time whether it has an answer."""

    code = "caching.late"
    hint = "The call went on as without a cache. If it stays so, raise `caching.read_timeout_s`."
    retryable = True


class LookupFailed(ButtressError):
    """PostgreSQL could not say whether it has an answer."""

    code = "caching.unavailable"
    hint = "The call went on as without a cache. Check that PostgreSQL runs; see `buttress doctor`."
    retryable = True


class PairsInvalid(ButtressError):
    """The file of labelled pairs cannot be used to tune the cache."""

    code = "caching.pairs_invalid"
    hint = 'A line is {"a": "one question", "b": "another", "same": true}; there must be some of each kind.'
