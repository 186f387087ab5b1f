"""Evals: how good a release is. Suites, scorers, judges, gate rules, reports.

Nothing lives here yet: the room has its place in the house, and the law of imports already holds for it.
"""
