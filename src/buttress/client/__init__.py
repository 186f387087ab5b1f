"""The client of a served project, for programs that are not asyncio: small, blocking, standard library.

    with Client("http://127.0.0.1:8700") as client:
        for event in client.stream("support", {"question": "How long do refunds take?"}, user="u1"):
            ...

Where you are: outside, beside the command line. It speaks HTTP to a call worker, and gives the same
events and answers as the library.

Read in this order:
    http     the client
    webhooks for receivers of our webhooks: is a request really ours
    errors   what can go wrong

Promises:
    - nothing is asked twice: whether to ask again is the caller's to say, an error tells whether it may help;
    - leaving a stream early closes its connection, which cancels the work for it;
    - a stream that ends without its last event is an error, never a short answer;
    - a webhook is taken for ours only with its bytes as they were signed, and of the last minutes.
"""
