"""Knowledge: documents in, passages with their place out.

Where you are: the way of a document (source -> parsing -> chunking -> embedding -> index), and the retrieve
step of a call.

Read in this order:
    types        documents, blocks, chunks; what a knowledge base declares
    declaration  reading `knowledge/NAME.yaml`; declared_now reads it again for every search
    sources/     which files there are, and their bytes
    parsing/     bytes to text, blocks, sections and pages; pictures of scanned pages to words
    cutting, chunking    blocks to chunks within a budget of tokens
    checking     what is true of every document before it is stored
    embedding/   texts into vectors, by a model on this machine
    index/       what is stored, in LanceDB, and who may see it
    syncing/     making the index hold what the sources hold
    search       the stages in their order; stages/ holds each
    ranking/     what decides the order, pure
    reranking/   how well documents answer a question: those that somebody brings, and those that were found
    measuring/   how good that is, by labelled queries; which recipe finds most
    engine/      all of it in this process, or behind a socket
    ending       what was begun ends, whoever is cancelled meanwhile
    recent       what was needed last, kept in memory
    search_types, pictures, ports, errors, settings    words that these share

Promises:
    - a chunk is exactly the characters it points to, on the pages it names; chunks leave no text out;
    - the same file gives the same ids; a chunk that only moved keeps its `embed_key`;
    - a bad file gives one error that names it, and harms nothing else;
    - after a sync, what is found is what the sources hold; killed at any moment, the next one repairs;
    - another embedding model is searched with when its index is whole, and not before;
    - who may see less is told less from the next search on;
    - a source that has vanished or become empty loses nothing unless that is said to be meant;
    - while it runs, everybody finds the old or the new version of a document, never parts of both;
    - nobody finds, reads or ranks what their scope does not see, whatever stands in anybody's name;
    - a stage of a search that fails or is late is left out, and said so;
    - the score of a passage is a probability, and never contradicts the order.
"""
