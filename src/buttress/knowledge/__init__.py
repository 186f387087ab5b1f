"""Knowledge: documents in, passages with their place out.

Where you are: the way of a document (source -> parsing -> chunking -> embedding -> index), and the retrieve
step of a call.

Read in this order:
    types        documents, blocks, chunks; what a knowledge base declares
    declaration  reading `knowledge/NAME.yaml`
    sources/     which files there are, and their bytes
    parsing/     bytes to text, blocks, sections and pages
    cutting, chunking    blocks to chunks within a budget of tokens
    checking     what is true of every document before it is stored
    plan         what an ingest has to do; ingest does it, with intake, backlog, ledger, tally
    forgetting   what is declared no more is there no more
    embedding    texts into vectors, with the model that model_files finds and onnx_models opens
    index        the rows in LanceDB; visibility says who may see them, resident keeps vectors in memory
    search       the stages: embed, dense and BM25, fusion, dedup; terms says what a passage covers
    reranking/   how well documents that somebody brings answer a question
    engine       all of it in this process; engine_server and engine_client put a socket between
    ports, errors, settings

Promises:
    - a chunk is exactly the characters it points to, on the pages it names; chunks leave no text out;
    - the same file gives the same ids; a chunk that only moved keeps its `embed_key`;
    - a bad file gives one error that names it, and harms nothing else;
    - after an ingest, what is found is what the sources hold; killed at any moment, the next one repairs;
    - a source that has vanished or become empty loses nothing unless that is said to be meant;
    - while it runs, everybody finds the old or the new version of a document, never parts of both;
    - nobody finds, reads or ranks what their scope does not see, whatever stands in anybody's name;
    - a stage of a search that fails or is late is left out, and said so.
"""
