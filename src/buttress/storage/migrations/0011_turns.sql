-- What models said of pieces of long texts: a cache, by which reading one goes on where it was stopped.
create table piece_answers (
    tenant text not null,
    digest text not null,              -- of all that the answer depends on
    feature text not null,
    knowledge text,                    -- null: the text came with the question
    document_id text,
    answer text not null,
    model text not null,
    tokens bigint not null,            -- what it took to make
    cost_nanodollars bigint,           -- null: nobody knows
    made_at timestamptz not null,
    primary key (tenant, digest),
    foreign key (knowledge, document_id) references documents on delete cascade
);
create index piece_answers_by_age on piece_answers (made_at);
create index piece_answers_by_document on piece_answers (knowledge, document_id) where document_id is not null;

-- Long conversations: a summary of the older turns, and the words by which one of them is found again.
alter table conversations add column number bigint generated always as identity unique;

create table conversation_summaries (
    number bigint primary key references conversations (number) on delete cascade,
    covers bigint not null,            -- the turns before this ordinal are in `body`
    body text not null,
    claimed_until timestamptz not null -- until then somebody summarises, or nobody tries again
);

create table conversation_words (
    number bigint not null references conversations (number) on delete cascade,
    word text not null,
    ordinal bigint not null,           -- of the question; its answer's words stand under it, too
    weight real not null,              -- how much the exchange is about the word, as in BM25
    primary key (number, word, ordinal)
);
