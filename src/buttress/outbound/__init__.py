"""Outbound: the one door out of the house.

Where you are: below the rooms. Whoever talks to another machine (models, embedders, re-rankers, webhooks,
exporters) asks here, so that the rules of going out stand in one place. HTTP/1.1 is spoken here by ourselves,
on a parser in C: on the way of a call a client library was the largest cost (decisions/0005).

Read in this order:
    settings    limits of connections
    addresses   a URL taken apart; pure
    faults      what can go wrong on the way
    response    an answer on its way in
    connection  one connection: a request out, an answer in
    pool        the connections to one origin
    sessions    all origins, and the exchange of a request for an answer
    networks    which addresses are whose; pure
    authorities  whose certificates are believed: for programs that are started without the environment
    fetching    a GET to an address that came from outside
    signing     signatures of webhooks; pure
    sigv4       signatures of requests to buckets; pure
    webhooks    one signed POST to somebody's own address

Promises:
    - nothing goes through a proxy named by the environment, no cookie is kept; no redirect is followed but by
      a GET to an address from outside, and each of its hops is looked at as the first one was;
    - two origins never share a connection, a limit or a header;
    - nothing is sent twice, but where a kept connection breaks before a byte came: nobody has read it;
    - an upstream that sends faster than it is read is made to wait; a head has a bound;
    - leaving an answer before its end closes its connection at once; closing leaves none open.
"""
