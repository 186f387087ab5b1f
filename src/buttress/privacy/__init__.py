"""Privacy: what is sensitive and where it may go. Detectors, data classes, redaction, vault, egress policy.

Nothing lives here yet: the room has its place in the house, and the law of imports already holds for it.
"""
