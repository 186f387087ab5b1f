-- Answers that are still good: a cache. All of it may be deleted at any time.
create table answers (
    tenant text not null,
    digest text not null,              -- of all that the answer depends on
    feature text not null,
    form integer not null,             -- of `body`; another one than the reader's is a miss
    body bytea not null,
    cited text[] not null,             -- the ids of the documents that it cites
    tokens bigint not null,            -- what it took to make
    cost_nanodollars bigint,           -- null: nobody knows
    made_at timestamptz not null,
    expires_at timestamptz not null,
    partition text,                    -- null: found by its digest alone
    question text,
    meaning real[],                    -- the question's vector
    primary key (tenant, digest)
);
create index answers_by_end on answers (expires_at);
create index answers_by_age on answers (made_at);
create index answers_by_document on answers using gin (cited);
create index answers_by_meaning on answers (tenant, partition) where partition is not null;

-- Only questions that mean the same need it; a server that lacks it, or a user who may not, goes without.
do $$ begin
    create extension if not exists vector;
exception when others then
    raise notice 'no pgvector here: %', sqlerrm;
end $$;
