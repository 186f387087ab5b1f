"""Providers: one adapter file for each way to reach a model; all pass `testing.contracts.provider`.

building        from a declared model to its provider
extractive      no model: quotes the passages
openai          any OpenAI-compatible server; openai_wire and openai_errors are its format, pure
"""
