"""Access: who may ask, for what, and how often.

Where you are: *admit*, the first step of a call, before its door.

Read in this order:
    types        the nouns: Key, Terms, Secret
    texts        a key as people hold it: made, read, hashed; pure
    keys         what a key may and when it is over; rotated, revoked; pure
    scopes       what somebody may ask, and in whose name; pure
    secret_file  the server's secret that keys are hashed with
    store        the keys in PostgreSQL
    issuing      keys made, rotated and revoked; what is told of one
    ring         all keys in a worker's memory
    buckets      how much of a rate is left; pure
    limits       which rates a request touches; declaration reads limits.yaml; pure
    table        the buckets of all workers of a machine, in memory that they share
    limiter      requests let in as far as there is room, and settled
    idempotency  what an Idempotency-Key stands for, and which answers are kept; pure
    idempotency_store, idempotency_claims  who answers which key, in PostgreSQL and in a process

Promises:
    - a key is stored nowhere, only its keyed hash;
    - a request waits for no database to be let in; one with an Idempotency-Key waits so long, and no longer;
    - for an Idempotency-Key at most one whole answer is given, unless `after_crash` says otherwise;
    - no answer tells a key of what it may not ask whether that exists.
"""
