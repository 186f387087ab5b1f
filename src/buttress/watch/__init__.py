"""Watch: whether production still is what it was, and who is told when it is not.

Where you are: beside the way of a call, in the background process. Alerts of every kind go through here:
`app.alerting` turns what `spend` knows of budgets and `tracing` of calls into alerts, since rooms do not know
each other; how an alert is kept, told once and delivered is the same for all of them, and is here. Quality
sampling and drift are not built yet.

Read in this order:
    types        an alert, and how far its deliveries are
    rules        when a feature's cost or lateness is worth an alert, when it is over; retries; pure
    declaration  alerts.yaml: which webhook is told of what; pure
    store        alerts and deliveries in PostgreSQL: an outbox
    delivering   from the outbox to the webhooks, each in a lane of its own

Promises:
    - an alert is raised once in its window, however many processes look at once;
    - what was raised is delivered at least once, under the same id each time, or given up aloud after a day;
    - a webhook that hangs holds up nobody but itself.
"""
