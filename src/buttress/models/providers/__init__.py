"""Providers: one adapter file for each way to reach a model; all pass `testing.contracts.provider`.

building        from a declared model to its provider
extractive      no model: quotes the passages
http            a model over HTTP in some wire format: request, stream, errors of the connection
openai          any OpenAI-compatible server
anthropic       Anthropic's Messages API
gemini          Google's generateContent
scripted        drills: a provider made slow, or broken in the middle
local           a model on this machine: OpenAI's format to the process that runs it, and a gate before it
"""
