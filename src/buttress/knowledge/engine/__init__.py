"""The engine: embedder, index and search as one thing that answers, in this process or behind a socket.

Where you are: in knowledge/, at its edge: `app` opens one, and nobody above sees what is in it.

Read in this order:
    local   all of it in this process
    queue   so many at a time, so many waiting; the next one is told that it is busy
    wire    the messages, and where the socket is
    server  a local engine behind a socket of this machine
    client  the same methods, asked of that socket

Promises:
    - the two answer alike: one contract test holds both;
    - a caller that goes away ends its work; an engine that goes away is found again when it is back;
    - a method that tells of documents takes a scope.
"""
