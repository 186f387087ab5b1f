"""Spend: what calls cost and what they may cost. Prices, budgets, leases, alerts.

Nothing lives here yet: the room has its place in the house, and the law of imports already holds for it.
"""
