"""Guardrails: checks on what goes in and what comes out.

Where you are: the step after the model (... -> send -> *check* -> decide -> record). An answer is checked
sentence by sentence while it streams: what a sentence cites is compared with the passage it points to.

Read in this order:
    markers    the `[n]` in an answer: read, and taken off
    sentences  whole sentences out of a stream of pieces
    folding    texts in a form in which a quotation can be found; with the way back
    facts      numbers, names and words that a sentence claims
    citations  what each sentence cites, and whether the passage bears it out
    support    what an answer stands on, counted
    withholding  what may be released of it
    relevance  whether the passages found have to do with the question at all
    settings   thresholds

All of it is pure: values in, a value out. No error is raised here: a doubtful answer is a value, too.

Promises:
    - the pieces of a stream, joined, are exactly its text, and do not depend on how the stream was cut;
    - a citation's `start` and `end` lie in its passage; `verbatim` ones hold the sentence's words;
    - a number, a name or a unit that is not in the cited passage is never called supported.
"""
