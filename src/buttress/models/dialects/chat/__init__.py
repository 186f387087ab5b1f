"""OpenAI's chat completions, for clients and for upstreams. Pure.

Read in this order:
    request_in   a client's request: its fields as they came, and all of it in our words
    turns_in     the messages of it
    writing      the answer to a client: chunks, a whole completion, an error
    request_out  what an upstream is asked: a request of ours, or a client's own passed on
    chunks       the objects that upstreams answer with
    reading      them as events
    watching     what is learned of an answer that is passed on as it came
    ending       whether an answer ended, and why; both read by it
    calls        pieces of tool calls, however an upstream cuts and numbers them
    usage        tokens in their sums, and in our classes
"""
