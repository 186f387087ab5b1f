"""Dialects: the wire formats of models as facts: what clients send us, what upstreams send us. Pure.

A dialect is translated into `kernel.messages` and back, so that any client can ask any model. Where client
and upstream speak the same one, a request goes on as it came, and so do the events of its answer.

Read in this order:
    types      a client's request in its own words, a whole answer, and what a dialect can do
    fields     one field of a client's request: decoded, refused, named in a header
    refusals   what the error objects and status codes of upstreams mean
    folding    a stream of events as one whole answer
    encoding   JSON that is sent; halves: text that is not Unicode
    signatures proofs of thinking, and whose they are
    chat/      OpenAI's chat completions, and everything that calls itself compatible
    messages/  Anthropic's Messages
    responses/ OpenAI's Responses; for clients
    gemini/    Google's generateContent; for upstreams
    rerank     Cohere's, Jina's and vLLM's re-ranking, which nothing is translated from or into
    embeddings OpenAI's embeddings, and whoever speaks them; nothing is translated from or into them, either
    known      the dialects of clients by their names
"""
