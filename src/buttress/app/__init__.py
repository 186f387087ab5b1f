"""The composition root: settings and files of a project -> a `Buttress` that answers.

Where you are: above the rooms and the ways through them, below who speaks to the world (server, cli). Here,
and only here, adapters are chosen and ports are filled.

Read in this order:
    buttress  the library's front: open, stream, ask, search, ingest, traces
    parts     what a project needs, each opened when first needed, closed in reverse order
    project   the files of a project: knowledge bases, releases
    declared  the same as one value, and whether the files have changed
    kept      the last project without mistakes, kept for processes that start again
    live      the project as the processes of `serve` work with it, while people edit it
    filling   the ports of a call, filled: providers, ranker, meter and egress
    paying    what attempts are paid from, and where that is written; pricing asks the price list
    recording traces of this process, on their way into the database
    recalling answers that are kept, and what they depend on
    syncing   knowledge bases brought to what their sources hold; schedule does it when it is due
    standings how each knowledge base stands; checking looks for what is kept and should not be
    keyring   the keys of the project, read and followed
    alerting  raises alerts and delivers them; alerts says what is one
    measuring how good a knowledge base is, by its labels; tuning how it is best searched
    sharing   what one process finds out, told to the others
    again     work for ever, however often the database comes and goes
    roles     what all processes do, and what the engine does
    background
              what the background process does
    local_model, local_serving
              the local model: who runs it and where; what its process does
"""
