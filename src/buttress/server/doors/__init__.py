"""Doors: one for each wire that clients speak. A door translates, and decides nothing.

Read in this order:
    chat_wire    OpenAI's chat completions as facts: what is read, what is written. Pure
    chat         the door: a request in, an answer or a stream of chunks out
"""
