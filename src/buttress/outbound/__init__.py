"""Outbound: the one door out of the house.

Where you are: below the rooms. Whoever talks to another machine (models, embedders, re-rankers, webhooks,
exporters) asks here for its session, so that the rules of going out stand in one place.

Read in this order:
    settings  limits of connections
    sessions  one HTTP session per upstream origin

Promises:
    - nothing goes through a proxy named by the environment, no redirect is followed, no cookie is kept;
    - two origins never share a connection, a limit or a header;
    - closing leaves no connection open.
"""
