"""Spend: what calls cost, what they may cost, and that it adds up.

Where you are: beside *send*, on the way of a call: money is set aside before each attempt, and settled after.

Read in this order:
    prices       what an attempt costs, and what it can cost at most; exact in nano-dollars; pure
    listed       which entry of the packaged price list a model is; pure. price_list reads it, pricing asks
    windows      from when until when money counts; pure
    budgets      which accounts a call touches; pure. declaration reads budgets.yaml, accounts keeps answers
    leases       both sides of a lease: who may spend how much without asking; pure
    store        the ledger in PostgreSQL: grants, and what workers tell of their leases
    purses       a worker's money in memory; the ledger is asked when it is short
    journal      what a worker does with its leases, written down before it counts
    settling     journals -> ledger; and the leases of workers that are gone
    states       how each account stands, for people
    alerts       which shares of a limit were reached; pure. standings looks all accounts up

Promises, whoever is killed with -9 and whenever:
    - no hard budget is overspent by more than single attempts cost beyond what they can cost at most;
    - an unknown price or usage gives an unknown cost, never 0; a cost is never rounded down;
    - what was settled is told to the ledger, however often a process or the database comes and goes;
    - what a killed worker had under way counts as spent, and nothing else of its leases does;
    - a call waits for the ledger only where its worker's money is short, and never longer than is set.
"""
