"""Settings: one frozen tree of all rooms' settings, and where each value came from.

Where you are: above the rooms, below who starts things. A room declares its own struct; the tree composes
them; rooms get their own struct handed in and never see the tree.

Read in this order:
    tree      the tree, and the structs of what is no room (server, processes)
    loading   defaults -> buttress.yaml -> environment -> flags; the only reader of the environment
    listing   every setting with its value, origin, unit and help, for `config show` and the reference page
    colours   whether NO_COLOR is set
    secrets   references (`env:NAME`, `file:PATH`) to what they refer to

Promises:
    - an unknown key or a wrong value is an error that names file, line and key, and what would be right;
    - all mistakes of a file are shown at once; nothing is started with a tree that has one;
    - a variable that begins with BUTTRESS_ and is no setting is a mistake, never passed over;
    - no setting holds a password and no model a key: they are references, resolved when they are needed.
"""
