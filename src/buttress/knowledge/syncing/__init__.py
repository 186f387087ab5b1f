"""Syncing: making the index hold what the sources hold.

Where you are: in knowledge/, behind `buttress sync`, the demo, and the schedule of the background process.

Read in this order:
    types      what a sync plans, tells on its way, and reports
    plan       new, changed, moved, removed: a pure comparison
    ledger     what was committed, in PostgreSQL
    prospect   looks what there is, and what was there
    intake     a file's bytes to checked chunks
    encoding   chunks into what is stored of them: taken from the index, else made by the model
    taking_in  reads, embeds and commits side by side, with backlog and tally
    ingest     all of it, under a lock for each knowledge base
    schedule   when a knowledge base is synced by itself; syncs tells how that went
    auditing   ghosts and orphans: whether index, ledger and sources hold the same
    forgetting what is declared no more is there no more

Promises:
    - after a sync, what is found is what the sources hold; killed at any moment, the next one repairs;
    - a bad file gives one error that names it, and harms nothing else;
    - a source that has vanished or become empty loses nothing unless that is said to be meant;
    - while it runs, everybody finds the old or the new version of a document, never parts of both.
"""
