"""Spend: what calls cost and what they may cost.

Where you are: beside *send*, on the way of a call; later also budgets, leases and alerts.

Read in this order:
    prices       what an attempt costs, exact in nano-dollars; pure
    windows      from when until when money counts; pure
    budgets      which accounts a call touches; declaration reads budgets.yaml; pure (nobody asks them yet)
    leases       who may spend how much without asking; pure (nobody asks them yet)
    store        the ledger in PostgreSQL: grants, and what workers tell of their leases
    purses       a worker's money in memory (not wired into calls yet)

Promises:
    - an unknown price or usage gives an unknown cost, never 0;
    - a cost is never rounded down.
"""
