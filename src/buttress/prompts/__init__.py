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
    defaults   the prompts of stages that name none
    marks      text of others, in marks that it can neither close nor open; pure
    reading_types, cutting, merging
               a long text in pieces that fit, and what is asked about them; pure
    piece_store  what was answered about pieces, in PostgreSQL
    recollecting, summarising
               which older turns have to do with a question, and what is asked for a summary; pure
    memory     the turns of a conversation: read within a deadline, stored and summarised behind it
    store      the same in PostgreSQL
    settings, errors

Promises:
    - values are data: nothing in an input or a passage is evaluated, begins a message, or closes the marks
      that a passage stands in;
    - a prompt takes time in proportion to its values: no loops over loops, no output beyond a bound;
    - a passage is in the prompt whole or not at all, and what was left out is told;
    - messages of the prompt itself are never dropped, the question among them: rather an error with figures;
    - what a tool answered is in a prompt only with the call that it answers;
    - all of a long text is in one of its pieces, and each piece fits;
    - a call reads the same number of rows, however long its conversation is;
    - a conversation is found by its tenant, its user and its id together, never by less;
    - a call waits for a conversation's turns as long as a setting says, and to store them not at all.
"""
