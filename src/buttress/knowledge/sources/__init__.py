"""Where documents come from: one file for each kind of source.

Where you are: before parsing. A source lists its files and reads one; it knows nothing of formats.

Promises of `folder`, whatever lies in the folder:
    - the list is in the order of the relative paths, and the same each time;
    - nothing outside the folder is read, no link is followed in circles, only regular files are opened;
    - what is left out is named with the reason, unless its name is hidden or the declaration left it out.
"""
