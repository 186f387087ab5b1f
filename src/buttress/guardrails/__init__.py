"""Guardrails: checks on what goes in and what comes out.

Where you are: the step after the model (... -> send -> *check* -> decide -> record). An answer is checked
sentence by sentence while it streams: what a sentence cites is compared with the passage it points to.

Read in this order:
    markers    the `[n]` in an answer: read, and taken off
    sentences  whole sentences out of a stream of pieces
    plain      what a reader sees of a text, and how its letters and digits are read
    folding    texts in a form in which a quotation can be found; with the way back
    scales     words that deny, and words that stand against each other
    quantities numbers and what they count, however they are written
    reading    the places of a text's words, numbers, names and denials
    contests   whether a number or a name stands in the words it stands in there
    clauses    the clauses of a sentence; what a quotation of a part leaves out
    tables     whether a number stands in the row and column it is said of
    leading    what claims nothing: openings, `Yes`, and that there is no answer
    facts      whether a text bears out what a sentence says
    citations  what each sentence cites, and whether the passage bears it out
    support    what an answer stands on, counted
    withholding  what may be released of it
    planted    the same, without what a document says to an assistant
    relevance  whether the passages found have to do with the question at all
    settings   thresholds

All of it is pure: values in, a value out. No error is raised here: a doubtful answer is a value, too.

Promises:
    - the pieces of a stream, joined, are exactly its text, and do not depend on how the stream was cut;
    - a citation's `start` and `end` lie in its passage; `verbatim` ones hold the sentence's words;
    - a number or a unit that is not in the cited passages is never called supported (but the number of a
      list's item), nor a quotation; a name only where it is in small letters, where most of the passages
      shown have it, where it is a word of the question that stands in some document, or where its letters
      are those of words there;
    - the work for an answer grows with its length, whatever is in it.
"""
