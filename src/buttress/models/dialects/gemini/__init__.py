"""Google's generateContent, for upstreams. Pure.

Read in this order:
    request_out  what a model is asked with
    contents     the turns of a conversation as contents and parts
    effort       how much a model is to think
    reading      an upstream's answer: its pieces as our events, and as one whole
    counts       usage in disjoint classes
"""
