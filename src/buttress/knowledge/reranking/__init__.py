"""Re-ranking: how well documents answer a question, by a model on this machine.

Read in this order:
    windows           what of a document counts, and which documents are scored together. Pure
    maxsim            a score out of token vectors. Pure
    scores            what was found out of each document, put together. Pure
    threads           of its own, a few documents at a time
    late_interaction  the embedding model's own token vectors, compared
    reduced           the same, made small enough to be stored with each chunk. Pure
    stored            a search's own re-ranker: the question against what is stored
    cross_encoder     a model that reads question and document together
    remote            a service that answers `/v1/rerank`
    opening           from the settings to late interaction, a cross-encoder or a service

Promises:
    - the score of a document depends on it and the question alone: not on the others, nor on the order;
    - a document that is longer than the window is scored by its beginning, and that is told;
    - a call takes no threads from searches, works on a few documents at a time, and ends when it is left.
"""
