"""Measuring: how good what is found is, said with intervals; and which recipe finds most.

Where you are: beside the search. What is measured is the same `Searcher` that answers calls.

Read in this order:
    types        queries with what answers them; scores; what a tuning came to
    labels       reading them from `knowledge/NAME.labels.jsonl`, or from a folder in BEIR's layout
    matching     which labels a passage answers
    metrics      recall, nDCG, MRR and hit rate of one ranking; their means with intervals
    evaluating   labelled queries through an engine, with the time of each stage
    headings, asking
                 queries where nobody labelled any: known items
    unheaded     a small index without the headings, for queries made of them
    finding      the first lists and re-rank scores of each query, found once
    reading      who re-ranks for that: what no ingest has stored yet is read
    recipes      what is tried
    tuning       which of it is chosen, out of fold
    calibrating  from a ranking's score to a probability
    writing      the choice into the declaration, all else of it kept

Promises:
    - every figure of a tuning is of queries that its choice has not seen;
    - the default is kept unless something else is better on average;
    - equal labels, index and seed give equal figures and the same choice;
    - the scope is that of whoever measures: nothing is scored that they may not see.
"""
