"""Jobs: work done later. Queue, batch lane, schedules.

Nothing lives here yet: the room has its place in the house, and the law of imports already holds for it.
"""
