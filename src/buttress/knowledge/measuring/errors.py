"""What can go wrong with measuring."""

from buttress.kernel.errors import ButtressError


class LabelsInvalid(ButtressError):
    """The labelled queries hold mistakes."""

    code = "knowledge.labels_invalid"
    hint = 'A line is {"query": "…", "relevant": [{"document": "PATH"}]}.'


class LabelsMissing(ButtressError):
    """Nobody labelled queries for the knowledge base."""

    code = "knowledge.labels_missing"
    hint = 'Write lines of {"query": "…", "relevant": [{"document": "PATH"}]}; or name others with --labels.'


class NothingToAsk(ButtressError):
    """No query could be made of the knowledge base."""

    code = "knowledge.nothing_to_ask"
    hint = "Label some queries: knowledge/NAME.labels.jsonl; or have a model write some, with --model."


class TooFewQueries(ButtressError):
    """What was chosen by so few queries says next to nothing; it was not written."""

    code = "knowledge.too_few_queries"
    hint = "Label more queries; or write it all the same, with --force."


class DeclarationUneditable(ButtressError):
    """The declaration of the knowledge base cannot be changed without changing what else stands in it."""

    code = "knowledge.declaration_uneditable"
    hint = "Write the settings that were printed under `search:` by hand."
