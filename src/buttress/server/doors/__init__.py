"""Doors: one for each wire that clients speak. A door translates, and decides nothing.

Read in this order:
    features     our own: a feature by its name, with its own input
    said         what OpenAI's and Anthropic's formats have in common. Pure
    chat_wire    OpenAI's chat completions as facts: what is read, what is written. Pure
    asking       what both doors do: a request in, an answer or a stream out
    chat         OpenAI's door
    messages_wire, messages   the same for Anthropic's Messages
    clients      how clients of each dialect are served when they ask a model
    models       a model asked by its name, in whichever dialect
    responses    OpenAI's newer door; for models
    embeddings_wire, embeddings   the same for the project's embedding model
"""
