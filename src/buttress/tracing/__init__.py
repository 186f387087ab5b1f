"""Tracing: what happened in every call, kept even when the process is killed.

Where you are: the last step of a call (... -> check -> decide -> *record*), and the log lines on the way.
A finished call becomes one line in an append-only spool file; whoever ships (the background process, or the
command that made it) stores sealed files in PostgreSQL and deletes them. That a call began is noted beside
them: so one whose process was killed has a trace, too.

Read in this order:
    types     the noun: Trace
    underway  the calls of a process that began and did not end yet
    store     traces in PostgreSQL, by id, newest first
    shipping  spool (see storage.spool) -> store
    figures   what the calls of features came to of late
    spent     what calls cost, summed up; spending is how that is asked for
    saved     what answers that were given again did not cost
    metrics   what a process counted of its calls, for Prometheus
    shipped   what was stored, kept for some days: a restored database learns it again
    logs      structured log lines: JSON for machines, plain for a terminal

Promises:
    - a trace that was recorded survives `kill -9` of its process and the absence of PostgreSQL;
    - a call that began has a trace also when its process is killed: `lost`;
    - a trace is stored once, however often it is shipped;
    - recording never fails a call: what could not be written (a full disk) is counted and said loudly.
"""
