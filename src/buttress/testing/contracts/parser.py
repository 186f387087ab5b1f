"""What every `knowledge.ports.Parser` promises."""

import pytest

from buttress.kernel.errors import ButtressError
from buttress.knowledge.checking import check_blocks
from buttress.knowledge.errors import PARSE_ERRORS, EmptyDocument, TooLarge
from buttress.knowledge.ports import Parser
from buttress.knowledge.settings import ParseLimits

LIMITS = ParseLimits()


class ParserContract:
    """Subclass it and give three fixtures.

    `parser`; `sample`: a file of at least 100 characters of text; `blank`: a whole file without any text.
    """

    def test_the_blocks_hold_all_of_the_text(self, parser: Parser, sample: bytes) -> None:
        """Blocks are in order, apart, and leave nothing out; pages partition the text."""
        document = parser(sample, "folder/sample.file", LIMITS)
        check_blocks(document)
        assert document.path == "folder/sample.file"
        assert document.title
        assert len(document.text) >= 100

    def test_the_same_bytes_give_the_same_document(self, parser: Parser, sample: bytes) -> None:
        """Ids are made of what a parser returns."""
        assert parser(sample, "a", LIMITS) == parser(sample, "a", LIMITS)

    def test_a_file_without_text_is_refused(self, parser: Parser, blank: bytes) -> None:
        """An empty document would be found by nobody, and missed by nobody."""
        with pytest.raises(EmptyDocument, match=r"blank\.file"):
            parser(blank, "blank.file", LIMITS)

    def test_too_much_text_is_refused_not_cut_short(self, parser: Parser, sample: bytes) -> None:
        """Half a document would answer questions wrongly, and nobody would know."""
        with pytest.raises(TooLarge, match=r"sample\.file"):
            parser(sample, "sample.file", ParseLimits(max_characters=50))

    @pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
    def test_a_damaged_file_gives_a_document_or_one_known_error(
        self, parser: Parser, sample: bytes, keep: float
    ) -> None:
        """What is left of a file is read whole, or refused in one line that names it."""
        damaged = sample[: int(len(sample) * keep)]
        try:
            check_blocks(parser(damaged, "damaged.file", LIMITS))
        except ButtressError as error:
            assert error.code in PARSE_ERRORS
            assert "damaged.file" in error.message
            assert "\n" not in error.message
