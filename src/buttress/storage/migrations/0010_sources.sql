-- What a source says of the version that was read: a document whose revision is the same is not read again.
alter table documents add column revision text not null default '';   -- empty: nobody can say

-- Which embedding model each knowledge base is searched with; another one is built beside it, and then taken.
create table generations (
    knowledge text primary key,
    fingerprint text not null,
    dimensions integer not null,
    folder text not null,              -- where the model is; empty: the packaged one
    max_tokens integer not null,
    switched_at timestamptz not null
);

-- How the last sync of each knowledge base went.
create table syncs (
    knowledge text primary key,
    began_at timestamptz not null,
    ended_at timestamptz,              -- null: it runs, or was killed
    succeeded_at timestamptz,
    failures integer not null,         -- in a row; one that runs counts until it has ended well
    left_out integer not null default 0,   -- documents, by the last one that ended well
    error_code text,
    error text
);
