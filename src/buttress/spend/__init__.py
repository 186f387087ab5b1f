"""Spend: what calls cost and what they may cost.

Where you are: beside *send*, on the way of a call; later also budgets, leases and alerts.

Read in this order:
    prices   what an attempt costs, exact in nano-dollars; pure

Promises:
    - an unknown price or usage gives an unknown cost, never 0;
    - a cost is never rounded down.
"""
