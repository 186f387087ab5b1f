"""Reviews: what a person must judge. Queue, labels, agreement, calibration, feedback.

Nothing lives here yet: the room has its place in the house, and the law of imports already holds for it.
"""
