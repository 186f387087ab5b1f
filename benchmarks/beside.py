"""Haystack and LlamaIndex beside us: a collection with the same embedder, what is found, how long it takes.

    PEERS/bin/python benchmarks/beside.py haystack|llamaindex COLLECTION OUR_PATH ...

PEERS is an environment of its own with `haystack-ai`, `llama-index-core`, `llama-index-retrievers-bm25`; each
OUR_PATH (`src`, our site-packages) is looked into last, for our embedder. Each is used as its documents
show: pieces of 200 words or tokens by its own splitter, its in-memory store, the best 100 by vectors and by
BM25, joined by reciprocal ranks. Prints one JSON object; `run.py beside` shows it in the table.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from buttress.knowledge.embedding.embedder import OnnxEmbedder

DEPTH = 100
PIECE = 200
Search = Callable[[str], Sequence[str]]
"""Returns the documents of the passages that were found, best first."""


def haystack(documents: dict[str, str], embedder: "OnnxEmbedder") -> Search:
    """Take `documents` into Haystack."""
    document = import_module("haystack").Document
    retrievers = import_module("haystack.components.retrievers.in_memory")
    store = import_module("haystack.document_stores.in_memory").InMemoryDocumentStore(
        embedding_similarity_function="cosine"
    )
    splitter = import_module("haystack.components.preprocessors").DocumentSplitter(
        split_by="word", split_length=PIECE
    )
    joiner = import_module("haystack.components.joiners").DocumentJoiner(join_mode="reciprocal_rank_fusion")
    whole = [document(content=text, meta={"name": name}) for name, text in documents.items()]
    pieces = splitter.run(documents=whole)["documents"]
    vectors = embedder.embed([one.content for one in pieces]).tolist()
    embedded = zip(pieces, vectors, strict=True)
    store.write_documents([replace(piece, embedding=vector) for piece, vector in embedded])
    bm25 = retrievers.InMemoryBM25Retriever(store, top_k=DEPTH)
    dense = retrievers.InMemoryEmbeddingRetriever(store, top_k=DEPTH)

    def search(query: str) -> list[str]:
        vector = embedder.embed([query])[0].tolist()
        lists = [bm25.run(query=query)["documents"], dense.run(query_embedding=vector)["documents"]]
        return [one.meta["name"] for one in joiner.run(documents=lists)["documents"]]

    return search


def llamaindex(documents: dict[str, str], embedder: "OnnxEmbedder") -> Search:
    """Take `documents` into LlamaIndex."""
    core = import_module("llama_index.core")
    model = _llamaindex_embedding(embedder)
    splitter = import_module("llama_index.core.node_parser").SentenceSplitter(
        chunk_size=PIECE, chunk_overlap=0
    )
    whole = [core.Document(text=text, metadata={"name": name}) for name, text in documents.items()]
    for one in whole:
        one.excluded_embed_metadata_keys = one.excluded_llm_metadata_keys = ["name"]
    nodes = splitter.get_nodes_from_documents(whole)
    index = core.VectorStoreIndex(nodes, embed_model=model)
    bm25 = import_module("llama_index.retrievers.bm25").BM25Retriever.from_defaults(
        nodes=nodes, similarity_top_k=DEPTH
    )
    fusion = import_module("llama_index.core.retrievers").QueryFusionRetriever(
        [index.as_retriever(similarity_top_k=DEPTH), bm25],
        llm=import_module("llama_index.core.llms").MockLLM(),
        mode="reciprocal_rerank",
        similarity_top_k=2 * DEPTH,
        num_queries=1,
        use_async=False,
    )
    return lambda query: [one.metadata["name"] for one in fusion.retrieve(query)]


def _llamaindex_embedding(embedder: "OnnxEmbedder") -> object:
    """Return our embedder as theirs: a class made here, since theirs is not there when types are checked."""

    def one(_: object, text: str) -> list[float]:
        vector: list[float] = embedder.embed([text])[0].tolist()
        return vector

    def many(_: object, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = embedder.embed(texts).tolist()
        return vectors

    async def later(self: object, text: str) -> list[float]:
        return one(self, text)

    methods = {
        "_get_text_embedding": one,
        "_get_query_embedding": one,
        "_get_text_embeddings": many,
        "_aget_query_embedding": later,
    }
    made = type("Ours", (import_module("llama_index.core.embeddings").BaseEmbedding,), methods)
    return made(embed_batch_size=64)


PEERS = {"haystack": haystack, "llamaindex": llamaindex}


def main(peer: str, collection: Path, ours: list[str]) -> None:
    """Measure one of `PEERS` on a collection in BEIR's layout."""
    sys.path += ours
    names = ("embedding.embedder", "settings")
    embedding, settings = (import_module(f"buttress.knowledge.{one}") for one in names)
    ndcg = import_module("buttress.kernel.scores").ndcg
    embedder = embedding.open_embedder(settings.EmbedderSettings())
    documents = {
        one["_id"]: f"{one['title']}\n\n{one['text']}" for one in _lines(collection / "corpus.jsonl")
    }
    began = time.perf_counter()
    search = PEERS[peer](documents, embedder)
    ingest_s = time.perf_counter() - began
    scores: list[float] = []
    times_ms: list[float] = []
    for query, gains in _queries(collection):
        began = time.perf_counter()
        found = search(query)
        times_ms.append((time.perf_counter() - began) * 1_000)
        scores.append(ndcg(list(dict.fromkeys(found)), gains))
    times_ms.sort()
    figures = {
        "ndcg": sum(scores) / len(scores),
        "ingest_s": ingest_s,
        "p50_ms": times_ms[len(times_ms) // 2],
        "p95_ms": times_ms[len(times_ms) * 95 // 100],
    }
    print(json.dumps(figures))


def _lines(path: Path) -> Iterator[dict[str, str]]:
    return map(json.loads, path.read_text("utf-8").splitlines())


def _queries(collection: Path) -> list[tuple[str, dict[str, float]]]:
    gains: dict[str, dict[str, float]] = {}
    for row in (collection / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
        query, document, grade = row.split("\t")
        gains.setdefault(query, {})[document] = float(grade)
    texts = {one["_id"]: one["text"] for one in _lines(collection / "queries.jsonl")}
    return [(texts[query], found) for query, found in gains.items()]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
