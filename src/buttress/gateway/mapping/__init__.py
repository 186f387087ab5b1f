"""Reading a long text in pieces, for the step `map`: asked side by side, kept, merged in a tree.

Read in this order:
    task          what is to be read, by whom, and with what
    asking        one request to the ladder, kept under all that its answer depends on
    side_by_side  many of them, a few at a time
    rounds        the pieces, then level by level their merges, until one answer is left
    citing        where in the document a sentence of it stands

Promises:
    - each request goes the ordinary way: ladder, meter, budgets, the latency of the feature;
    - what was answered is kept at once: stopped anywhere and asked again, it is not asked again;
    - what an equal call of the same process asks just now is waited for, the last merge excepted;
    - a piece that no model answers is named in the answer; nothing is left out in silence.
"""
