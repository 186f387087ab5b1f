"""Where documents come from: one adapter of `ports.Source` for each kind of source.

Where you are: before parsing. A source lists its documents and reads one; it knows nothing of formats.

Read in this order:
    types        what a source holds, and what was left out of it
    declared     what is odd about a declaration; pure
    opening      from a declared source to its adapter
    folder, file files of this machine; local_files opens them, globs says which are meant
    git          a repository at a revision; git_program runs git
    web, sitemap pages; pages asks for them, at a pace, with the validators of their revisions
    bucket       what speaks as S3 does
    names, xml_lists    what others say, before it is believed; pure

Promises:
    - the list is in the order of the paths, and the same each time;
    - what has not changed is not read again, and what may have is: equal revisions, equal bytes;
    - nothing outside the source is read: no link out of a folder, no redirect to an own network, no name that
      climbs; nothing that a source holds is run;
    - no source takes more time, memory or disk than it is given;
    - what is left out is named with the reason, unless its name is hidden or the declaration left it out;
    - what cannot be reached is out of reach, not empty.
"""
