"""Anthropic's Messages, for clients and for upstreams. Pure.

Read in this order:
    reading    an upstream's answer: its events as ours, and as one whole
"""
