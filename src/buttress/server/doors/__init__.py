"""Doors: one for each wire that clients speak. A door translates, and decides nothing.

Read in this order:
    features    our own: a feature by its name, with its own input
    clients     OpenAI's chat completions and Responses, Anthropic's Messages: how they are read and answered
    asking      a feature or a model asked in one of these
    posed       a request as a feature is asked it. Pure
    speaking    a feature's answer in its client's dialect. Pure
    models      a model asked by its name
    listing     the names that may be asked
    rerank_wire, rerank            Cohere's, Jina's and vLLM's re-ranking
    embeddings_wire, embeddings   OpenAI's embeddings, by a model asked by its name, or the project's own
"""
