"""Ranking: what decides the order of what was found. Pure.

Where you are: in knowledge/, called by the stages of a search and by who measures recipes.

Read in this order:
    fusion       two lists into one: by ranks, by spread, by weight
    order        the settings of a knowledge base applied: fused, and with a re-ranker's scores
    calibration  a score as a probability
    dedup        the same text once, in whole or nearly; only so many of a document
    diversity    what says something new (maximal marginal relevance)
    merging      neighbours into one passage
    standing     where a passage stood at each step, for `search --explain`

Promises:
    - the same lists give the same order; ties are broken by id;
    - a calibrated score never contradicts the order.
"""
