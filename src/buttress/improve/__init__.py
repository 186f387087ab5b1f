"""Improve: the way of improvement composed of rooms. Run a suite, gate, tune, canary watch, erase, drill.

Nothing lives here yet: the room has its place in the house, and the law of imports already holds for it.
"""
