"""Prompts: from a template, the input and the passages to the messages that are sent.

Where you are: the step after retrieval (... -> retrieve -> *compose* -> send -> ...).

Read in this order:
    types      the nouns: Prompt, its sections, what it uses
    templates  Markdown with front matter -> Prompt; Prompt and values -> messages
    language   what a template may say, and which variables it uses; pure
    sandbox    the template engine with everything taken out that is not needed
    passages   passages as prompts see them, marked as data
    packing    what fits into a window, and what is left out; pure
    composing  all of it together: values and passages in, messages out
    defaults   the prompt of a stage that names none
    memory     the turns of a conversation: read within a deadline, written behind a call's back
    store      the same in PostgreSQL
    settings, errors

Promises:
    - values are data: nothing in an input or a passage is evaluated, begins a message, or closes the marks
      that a passage stands in;
    - a prompt takes time in proportion to its values: no loops over loops, no output beyond a bound;
    - a passage is in the prompt whole or not at all, and what was left out is told;
    - the system message and the last message of the user are never dropped: rather an error with the figures;
    - a conversation is found by its tenant, its user and its id together, never by less;
    - a call waits for a conversation's turns as long as a setting says, and to store them not at all.
"""
