"""Parse, chunk and check one document; print seconds, pages, chunks and the peak memory of it as JSON."""

import json
import resource
import sys
import time
from pathlib import Path

from buttress.kernel.ids import DocumentId
from buttress.knowledge.checking import check_document
from buttress.knowledge.chunking import chunk
from buttress.knowledge.embedding.embedder import open_embedder
from buttress.knowledge.parsing.dispatch import parse_bytes
from buttress.knowledge.settings import EmbedderSettings, ParseLimits
from buttress.knowledge.types import ChunkSettings


def main(path: Path) -> None:
    """Measure `path`."""
    embedder = open_embedder(EmbedderSettings(threads=1))
    started = time.perf_counter()
    document = parse_bytes(path.read_bytes(), path.name, ParseLimits())
    chunks = chunk(document, DocumentId("bench"), ChunkSettings(), embedder.token_starts)
    seconds = time.perf_counter() - started
    check_document(document, chunks)
    figures = {
        "seconds": seconds,
        "processor_s": time.process_time(),
        "pages": len(document.page_spans),
        "chunks": len(chunks),
        "peak_mb": peak_memory_bytes() / 1e6,
    }
    print(json.dumps(figures))


def peak_memory_bytes() -> int:
    """Return the most memory this process held.

    `ru_maxrss` is only second best: it begins with what the parent held (once 1.3 GB).
    """
    status = Path("/proc/self/status")
    if status.exists():
        held = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(held.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    main(Path(sys.argv[1]))
