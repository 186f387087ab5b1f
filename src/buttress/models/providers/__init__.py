"""Providers: one adapter file for each way to reach a model; all pass `testing.contracts.provider`.

building        from a declared model to its provider
extractive      no model: quotes the passages
http            a model over HTTP in some wire format: request, stream, errors of the connection
openai          any OpenAI-compatible server
anthropic       Anthropic's Messages API
gemini          Google's generateContent
rerank          re-rankers: a server that speaks as Cohere's does, and the project's own
embeddings      models that embed: any server that speaks OpenAI's embeddings
scripted        drills: a provider made slow, or broken in the middle
local           a model on this machine: OpenAI's format to the process that runs it, and a gate before it
longtail        who is not spoken here, through any-llm (extra `longtail`), in a thread of its own
longtail_thread that thread, and its event loop
longtail_faults what an error of the library, or of the SDK below it, means
"""
