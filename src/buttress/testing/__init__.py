"""Testing: what people who write adapters test them with; it ships.

Where you are: beside the command line, above everything else; nothing that runs in production imports it.

Read in this order:
    contracts/  one class of tests for each port; subclass it and give its fixtures
    upstream    the scripted upstream: a model's server over real HTTP, with every fault one can wish for
    embedding   an embedder without a model; documents: what the index takes, made on the spot
    clock       a clock turned by hand
"""
