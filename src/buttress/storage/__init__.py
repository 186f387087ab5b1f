"""Storage: the PostgreSQL that remembers what happened, ours or one given by a URL.

Where you are: below all rooms, above the kernel. A room takes a `Database` and writes its SQL in its own
`store.py`; who starts the server, holds the connections and applies the migrations is settled here.

Read in this order:
    settings    what can be set
    database    the whole of it from outside: `open_database`, `Database`
    connecting  how a connection is made, and how a server of ours is brought back for it
    pool        connections that are lent out and come back
    listening   LISTEN that survives a lost connection
    advisory    locks between processes, by name, in the database
    migrations  numbered SQL files, applied once and in order
    embedded    our own server: started once, shared by processes, stopped by the last one
    folder      where that server keeps its files, and what is checked about them
    binaries    the programs of the server, and as which user they run
    spool       append-only files that survive their writer, for what is to be shipped later
    filelocks   locks that go with the process that holds them
    translation psycopg's errors, said in our words
    errors      what can go wrong, with codes and hints

Promises, whoever is killed with -9 and whenever:
    - what was committed is there when the server is back, and the next connection brings it back;
    - two processes that start at once share one server; the last one to leave stops it;
    - a migration is applied wholly and once, or not at all;
    - no error of psycopg about the connection, the disk, a lock or a timeout leaves untranslated.
"""
