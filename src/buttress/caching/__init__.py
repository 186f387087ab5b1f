"""Caching: when an earlier answer may be given again. Exact, semantic, single flight, invalidation.

Where you are: the step before retrieval. What a feature's answer depends on is hashed to a key; an answer
under it is given again, one that is being made is shared, and a new one that ended well is kept.

Read in this order:
    types      the nouns: key, entry
    keys       all that an answer depends on; canonical, the one form of it that is hashed
    keeping    which answers may be given again
    memory     those of a process: bounded, fair between tenants
    store      those of all processes, in PostgreSQL
    answers    both levels, and that no call waits for the second
    flights    equal calls under way share one answer
    verifying  whether two questions ask the same, word by word
    tuning     from which cosine on they are compared, by labelled pairs
    settings, errors

Promises:
    - an answer is never another tenant's, nor given for a request that differs in what it depends on;
    - only whole answers that ended well are kept: no fallback's, no cut one, none of a stand-in model;
    - the database costs a call at most `caching.read_timeout_s`, whatever it does;
    - a leader that leaves takes no follower with it.
"""
