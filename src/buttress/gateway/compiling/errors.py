"""What can go wrong when features are compiled."""

from buttress.kernel.errors import EACH_IS_NAMED, ButtressError


class FeatureInvalid(ButtressError):
    """Features, or models.yaml, hold mistakes."""

    code = "gateway.feature_invalid"
    hint = EACH_IS_NAMED
