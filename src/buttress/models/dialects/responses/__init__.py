"""OpenAI's Responses, for clients: an upstream is asked in another dialect. Pure.

No state is kept between calls: what would need some is refused with a hint, and an answer says
`store: false`, also to who did not say whether it is to be stored.

Read in this order:
    request_in  a client's request: its envelope, and what it asks of a model
    items       the items of `input` as turns of a conversation
    objects     the objects that answers are made of: response, items, usage
    writing     an answer: the sequence of events of a stream, or one whole object
"""
