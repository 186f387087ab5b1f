"""Models: asking a language model, or several until one answers.

Where you are: the step after the prompt (... -> retrieve -> compose -> *send* -> check -> ...). A request
goes to the first model of a ladder; when that fails before it said anything, to the next. Everything is a
stream.

Read in this order:
    types        the nouns: Attempt, and its Bill
    ports        what we need from the world: Provider, SentenceRanker, Reranker, LocalServer, Meter,
                 Egress; and Rung
    decide       after a failure: again, the next one, or none; pure
    ladder       the way from rung to rung
    attempts     one attempt: leave, reservation, time limits, record
    billing      what the attempts of one call cost together; pure
    providers/   how to reach a model, one file each
    local_file, local_server
                 the model that runs on this machine: its file, and its server; for the process that runs it
    sse          server-sent events out of bytes; pure
    counting     how many tokens a text has for whom
    openai_tokens, gguf_head, gguf_tokens
                 the same exactly: OpenAI's tokenizers, and the one that a GGUF file holds
    units, extract   answering without a model: what can be quoted, and what is; pure
    declaration, ladders, caches
                 models.yaml
    errors, settings

Promises:
    - `Finished` comes last and once, or an error does: an answer that was cut never looks whole;
    - every attempt is allowed, paid for and recorded, also a cancelled one; nobody else tries again;
    - leaving a stream ends the upstream call;
    - no key is ever in an error.
"""
