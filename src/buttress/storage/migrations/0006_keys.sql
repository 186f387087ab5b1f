-- Keys, and what was answered to requests that name an Idempotency-Key.
-- What each key is for, and the keyed hashes of its secrets; never a key itself.
create table keys (
    key_id text primary key,
    body jsonb not null,               -- access/types.py: Key
    created_at timestamptz not null,
    last_used_at timestamptz           -- apart: it is written often, and by whoever was asked
);

-- Requests with an Idempotency-Key: who answers them, and what was answered. An answer is `answered_at` and
-- no `answer` where it was too long to be kept.
create table idempotent_answers (
    place text primary key,            -- a hash of tenant, key of access, path and Idempotency-Key
    tenant text not null,
    fingerprint text not null,         -- a hash of what was asked
    claim text not null,               -- who may store the answer: a try of one process
    beat_at timestamptz not null default now(),  -- when that process last said that it lives
    expires_at timestamptz not null,
    answered_at timestamptz,
    answer bytea                       -- msgpack: status, headers, body
);
create index idempotent_answers_by_end on idempotent_answers (expires_at);
create index idempotent_answers_under_way on idempotent_answers (claim) where answered_at is null;
