"""Improve: the way of improvement composed of rooms. Run a suite, gate, tune, canary watch, erase, drill.

Read in this order:
    tuning    which recipe a knowledge base is searched by: queries, first lists, the choice
"""
