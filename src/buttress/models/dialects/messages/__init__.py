"""Anthropic's Messages, for clients and for upstreams. Pure.

Read in this order:
    request_in   a client's request: as it came, and in words that every dialect has
    blocks       the turns of its conversation, from blocks to parts
    writing      the answer for a client: events, one whole message, or an error
    request_out  what an upstream is asked: translated, or the client's own words
    turns        the conversation as an upstream is told it
    schemas      what an answer is to look like, in the words that are taken
    effort       how much a model is to think, and how freely it draws its words
    reading      an upstream's answer: its events as ours, and as one whole
    watching     what is counted of events that go on to the client as they came
    counts       tokens, read and written
"""
