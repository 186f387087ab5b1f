"""The command line: one file per noun, each a few lines that parse, call and print.

Read in this order:
    main      the group of commands, loaded only when asked for, so that `--help` is quick
    failures  errors as people see them, and the exit codes
    plain     text of others, without what a terminal would obey
    printing  how an answer, a passage, a trace look on a terminal
    the rest  one file per noun
"""
