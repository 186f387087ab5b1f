"""What can go wrong on the way of a call, as a user sees it."""

from buttress.kernel.errors import ButtressError


class FeatureUnknown(ButtressError):
    """No feature of this project has that name."""

    code = "gateway.feature_unknown"
    hint = "List the features: buttress releases"


class ModelUnknown(ButtressError):
    """Nothing that may be asked has that name: no feature, no ladder and no model."""

    code = "gateway.model_unknown"
    hint = "GET /v1/models lists the names."


class InputInvalid(ButtressError):
    """The input does not fit the feature's input schema. Nothing was asked."""

    code = "gateway.input_invalid"
    hint = "See the `input` of features/NAME/feature.yaml for what it takes."
