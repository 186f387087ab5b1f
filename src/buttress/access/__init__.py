"""Access: who may ask, and how often. Keys, tenants, roles, rate limits, idempotency.

Nothing lives here yet: the room has its place in the house, and the law of imports already holds for it.
"""
