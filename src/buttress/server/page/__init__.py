"""The demo page over HTTP: the page, its assets, the text behind a citation, and the drills where allowed.

door     the routes
errors   what can go wrong
"""
