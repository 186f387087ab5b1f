"""OpenAI's chat completions, for clients and for upstreams. Pure.

Read in this order:
    reading    an upstream's answer: chunks as events, and as one whole
"""
