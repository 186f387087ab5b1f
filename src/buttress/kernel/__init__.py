"""The words all rooms share: nouns and pure functions, nothing that does I/O.

Where you are: the lowest layer. Everything may import from here; nothing here imports a room.

Read in this order:
    errors    one shallow hierarchy: code, message, hint, retryable
    scope     tenant + principals: what a retrieval may see
    principal who asks, and what a call is paid for
    passages  what retrieval returns, and the citation that points into it
    messages  what is said to a model, and what it says while it streams
    usage     token counts in disjoint classes; money in integer nano-dollars
    spans     the timed steps of a call, and their recorder
    sentences where a sentence begins and ends
    addressed what a document says to an assistant instead of to its reader; cues, the table for it
    located   YAML that remembers its lines, so that an error can name one
    words     words in a form that can be compared
    catalogue models and ladders as declared
    cached    what a feature says about giving an earlier answer again
    scores    metrics of one ranking; statistics says how sure a mean is
    ids, clock, chance, secrets, tokens   small and by themselves
"""
