"""Parse and chunk one document in this process; print seconds, pages and peak memory as JSON."""

import json
import resource
import sys
import time
from pathlib import Path

from buttress.kernel.ids import DocumentId
from buttress.knowledge.chunking import chunk
from buttress.knowledge.embedding import open_embedder
from buttress.knowledge.parsing.dispatch import parse_bytes
from buttress.knowledge.settings import EmbedderSettings, ParseLimits
from buttress.knowledge.types import ChunkSettings


def main(path: Path) -> None:
    """Measure `path`."""
    embedder = open_embedder(EmbedderSettings())
    started = time.perf_counter()
    document = parse_bytes(path.read_bytes(), path.name, ParseLimits())
    parsed_s = time.perf_counter() - started
    chunks = chunk(document, DocumentId("bench"), ChunkSettings(), embedder.token_starts)
    seconds = time.perf_counter() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {
        "seconds": seconds,
        "parse_s": parsed_s,
        "pages": len(document.page_spans),
        "chunks": len(chunks),
    }
    print(json.dumps(figures | {"peak_mb": peak_mb}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
