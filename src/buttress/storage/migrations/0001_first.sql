-- What was read: one row a document, with the text that citations point into.
create table documents (
    knowledge text not null,
    tenant text not null,
    document_id text not null,
    path text not null,
    title text not null,
    source text not null,
    content_sha256 text not null,      -- of the bytes that were read
    text_sha256 text not null,         -- of `body`
    format text not null,
    pages integer,                     -- null where the format has none
    characters bigint not null,
    readers text[] not null,           -- the principals who may see it; '*' is everybody of the tenant
    blocks jsonb not null,
    body text not null,                -- the normalised text
    ingest_fingerprint text not null,  -- of the settings it was read, cut and embedded with
    ingested_at timestamptz not null,
    primary key (knowledge, document_id)
);

-- What may answer: one row a compiled feature, never changed; its id is a hash of its content.
create table releases (
    release_id text primary key,
    feature text not null,
    body jsonb not null,
    created_at timestamptz not null
);

-- What happened: one row a call.
create table traces (
    trace_id text primary key,
    tenant text not null,
    feature text not null,
    release_id text,                   -- null: refused before one was chosen
    user_id text,
    started_at timestamptz not null,
    duration_ms double precision not null,
    outcome text not null,
    error_code text,
    model text,
    input jsonb not null,
    answer text not null,
    citations jsonb not null,
    passages jsonb not null,
    spans jsonb not null,
    attempts jsonb not null,
    usage jsonb not null,
    cost_nanodollars bigint            -- null: nobody knows, which is not 0
);
create index traces_by_start on traces (started_at desc);
create index traces_by_feature on traces (feature, started_at desc);
