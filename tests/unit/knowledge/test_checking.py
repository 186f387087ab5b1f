"""What is checked on every document: each promise broken by hand is found."""

import msgspec
import pytest

from buttress.kernel.ids import ChunkId
from buttress.knowledge.checking import check_blocks, check_document
from buttress.knowledge.chunking import chunk
from buttress.knowledge.errors import ProvenanceBroken
from buttress.knowledge.parsing.building import DocumentBuilder
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import Chunk, ChunkSettings, ParsedDocument, document_id


def sample() -> tuple[ParsedDocument, list[Chunk]]:
    """Return a document of three pages, and its chunks."""
    builder = DocumentBuilder("a.pdf", ParseLimits())
    for page in range(1, 4):
        builder.heading(1, f"H{page}", page=page)
        builder.add("paragraph", f"text of page {page}.", turns=((0, page),))
    document = builder.finish("pdf", "T", pages=3)
    starts = [at for at, letter in enumerate(document.text) if letter == " "]
    return document, chunk(document, document_id("k", "s", "a.pdf"), ChunkSettings(), lambda _: starts)


def test_a_sound_document_passes() -> None:
    """Three chunks, three pages."""
    document, chunks = sample()
    check_document(document, chunks)
    assert [one.page for one in chunks] == [1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"text": "other"}, "chunk 1 is not the text", id="the text is another"),
        pytest.param({"page": 3, "page_end": 3}, "chunk 1 says pages 3 to 3", id="a page where it is not"),
        pytest.param({"page": 4, "page_end": 4}, "chunk 1 says pages 4 to 4", id="a page there is not"),
        pytest.param({"page": 0, "page_end": 0}, "chunk 1 says pages 0 to 0", id="pages count from 1"),
        pytest.param({"page": None}, "chunk 1 says pages None", id="no page where there are some"),
        pytest.param({"section": ("a", " ")}, "chunk 1 has an empty name", id="an empty step of the path"),
        pytest.param({"ordinal": 5}, "chunk 1 is numbered 5", id="a wrong number"),
        pytest.param({"start": 3}, "chunk 1 at 3", id="it overlaps the one before"),
        pytest.param({"before": " x"}, "stand before chunk 1 does not", id="other characters before it"),
    ],
)
def test_a_broken_chunk_is_found(changes: dict[str, object], says: str) -> None:
    """One line that names document and chunk."""
    document, chunks = sample()
    chunks[1] = msgspec.structs.replace(chunks[1], **changes)
    with pytest.raises(ProvenanceBroken, match=says) as caught:
        check_document(document, chunks)
    assert caught.value.message.startswith("a.pdf: ")


def test_missing_and_doubled_chunks_are_found() -> None:
    """At the start, in the middle, at the end."""
    document, chunks = sample()
    for left_out in range(3):
        with pytest.raises(ProvenanceBroken, match="is in no chunk"):
            check_document(document, [one for one in chunks if one.ordinal != left_out])
    twin = [msgspec.structs.replace(one, chunk_id=ChunkId("same")) for one in chunks]
    with pytest.raises(ProvenanceBroken, match="two chunks have one id"):
        check_document(document, twin)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"page_spans": ((0, 5), (6, 10))}, "no partition", id="pages with a hole"),
        pytest.param({"blocks": ()}, "is in no block", id="no blocks"),
        pytest.param(
            {"text": "a\0b", "blocks": (), "page_spans": ()}, "NUL|in no block", id="a NUL character"
        ),
    ],
)
def test_a_broken_document_is_found(changes: dict[str, object], says: str) -> None:
    """Before anything is cut."""
    document, _ = sample()
    with pytest.raises(ProvenanceBroken, match=says):
        check_blocks(msgspec.structs.replace(document, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"section": ("",)}, id="an empty name"),
        pytest.param({"page": 9}, id="a page there is not"),
        pytest.param({"page": None}, id="no page"),
        pytest.param({"level": None}, id="a heading without a level"),
        pytest.param({"start": 1}, id="a letter left out"),
    ],
)
def test_a_broken_block_is_found(changes: dict[str, object]) -> None:
    """Each promise of a block."""
    document, _ = sample()
    blocks = (msgspec.structs.replace(document.blocks[0], **changes), *document.blocks[1:])
    with pytest.raises(ProvenanceBroken):
        check_blocks(msgspec.structs.replace(document, blocks=blocks))
