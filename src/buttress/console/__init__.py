"""Console: the pages people look at. Templates and small ES modules.

Nothing lives here yet: the room has its place in the house, and the law of imports already holds for it.
"""
