"""Caching: when an earlier answer may be given again. Exact, semantic, single flight, invalidation.

Nothing lives here yet: the room has its place in the house, and the law of imports already holds for it.
"""
