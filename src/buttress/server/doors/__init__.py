"""Doors: one for each wire that clients speak. A door translates, and decides nothing.

Read in this order:
    features     our own: a feature by its name, with its own input
    chat_wire    OpenAI's chat completions as facts: what is read, what is written. Pure
    chat         the door: a request in, an answer or a stream of chunks out
    embeddings_wire, embeddings   the same for the project's embedding model
"""
