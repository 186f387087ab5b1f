"""Watch: whether production still is what it was. Quality sampling, drift, alert rules.

Nothing lives here yet: the room has its place in the house, and the law of imports already holds for it.
"""
