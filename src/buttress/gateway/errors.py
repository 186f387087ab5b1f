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


class DocumentUnknown(ButtressError):
    """The knowledge base has no document of that name, or none that whoever asks may see: said alike."""

    code = "gateway.document_unknown"
    hint = "Name a document by its path in its source, or by its id."


class DocumentAmbiguous(ButtressError):
    """Several documents of the knowledge base have that path, each in a source of its own."""

    code = "gateway.document_ambiguous"
    hint = "Name it by its id: the message has them."


class InputInvalid(ButtressError):
    """The input does not fit the feature's input schema. Nothing was asked."""

    code = "gateway.input_invalid"
    hint = "See the `input` of features/NAME/feature.yaml for what it takes."
