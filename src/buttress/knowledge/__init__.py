"""Knowledge: documents in, passages with their place out.

Where you are: the way of a document (source -> parsing -> chunking -> embedding -> index), and the retrieve
step of a call.

Read in this order:
    types        documents, blocks, chunks; what a knowledge base declares
    declaration  reading `knowledge/NAME.yaml`; declared_now reads it again for every search
    sources/     which files there are, and their bytes
    parsing/     bytes to text, blocks, sections and pages
    cutting, chunking    blocks to chunks within a budget of tokens
    checking     what is true of every document before it is stored
    plan         what a sync has to do; prospect looks what there is, with intake and ledger
    ingest       does it; taking_in reads, embeds and commits side by side, with backlog and tally
    generations  which embedding model is searched with, while another one's index is built
    schedule     when a knowledge base is synced by itself; syncs tells how that went
    auditing     ghosts and orphans: whether index, ledger and sources hold the same
    forgetting   what is declared no more is there no more
    embedding    texts into vectors, with the model that model_files finds and onnx_models opens
    encoding     chunks into what is stored of them: taken from the index, else made by the model
    index        the tables in LanceDB; table reads and writes one version of one, rows says what a row holds
    visibility   who may see a row; resident keeps vectors in memory, those of a tenant together
    search       the stages in their order; stages/ holds each, terms says what a passage covers
    ranking      what decides the order, pure: fusion, calibration; dedup, diversity, merging, standing
    measuring/   how good that is, by labelled queries; which recipe finds most
    reranking/   how well documents answer a question: those that somebody brings, and those that were found
    engine       all of it in this process; engine_server and engine_client put a socket between
    ending       what was begun ends, whoever is cancelled meanwhile
    ports, errors, settings

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
