"""Server: a call worker. HTTP in, the way of a call, HTTP out; nothing is decided here.

Read in this order:
    asgi      the routes: which door, and how an error is said there
    hosts     the names under which it may be asked
    bodies    reading a request's body within bounds, and answers of one piece
    attending work that somebody waits for; a client that hangs up cancels it
    streaming an answer as server-sent events
    errors    codes -> statuses; the one place where an error becomes a response
    connections  HTTP/1.1 with a client: bounds, and what is said without a pause in one write
    running   uvicorn on a port that several workers share, and an ordered end

Promises:
    - an error is a JSON object with code, message, hint and retryable, never a traceback;
    - a stream that broke ends with an error event and without `ended`: it cannot be taken for whole;
    - whoever sends too slowly or too much is answered and hung up on;
    - when the client is gone the work for it is cancelled, and its trace says so.
"""
