"""What `benchmarks/soak.py` is made of.

Read in this order:
`mix` what is asked, `upstream` what the models answer, `place` the project that is served, `clients` who
asks; `watching` what is looked at meanwhile, `books` what was stored; `trend` and `verdict`, pure: what of it
is growth, and what is wrong.
"""
