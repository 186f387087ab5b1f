"""Releases: what a feature is once it is compiled, kept and never changed.

Where you are: before the call (admit -> *choose* -> inspect -> *rules* -> ...). `gateway.compiling` makes a
release out of files; a call is answered by exactly one.

Read in this order:
    types      the nouns: Release, its stages and rules, Fallback; and how it gets its id
    inputs     the input of a call as prompts and rules see it; pure
    rules      tables and patterns: normalising, looking up, filling in the answer; pure
    patterns   regular expressions in linear time
    functions  Python functions as rules: the file that was compiled, or none
    pool, worker, frames, prints   their processes: both ends, what these say to each other and to the log
    rulebook   all rules of a release, in order
    store      releases in PostgreSQL
    errors, settings

Promises:
    - the id of a release is that of its content: not of paths, the order of files, comments or white space;
    - two questions that differ in case, spaces or final punctuation get the same answer of a table;
    - no pattern takes more than linear time, whatever it is searched in;
    - a rule that fails or is late is skipped and said so; it never fails the call;
    - a Python function that hangs, exits, prints or crashes costs its own answer and nothing else;
    - no process is started without a function to ask, and none outlives its parent.
"""
