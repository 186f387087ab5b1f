"""Processes: who starts, watches, restarts and stops whom; and who is ready, or why not.

Where you are: above settings, below the app. The supervisor starts the roles as commands and imports none
of them. A role imports from here what it needs to be watched: `Announcer`, `beating` and
`exit_when_parent_dies`.

Read in this order:
    types       the nouns: a child as asked for, a child as it is, a role as others see it
    supervisor  one per project: starts all children in order, stops them in order
    keeping     keeps one child running: start, watch, restart
    pulse       whether it hangs
    backoff     how long to wait before the next start
    announcing  what a role says of itself: ready, or why not
    beating     the beat of a role, from inside its event loop
    status      what the command line, `doctor` and `/readyz` read
    lifeline    how a child notices that its supervisor is gone, also when it was killed
    identity    which process a pid means: pids are used again
    logs        where the output of a child goes
    errors      what can go wrong

Promises:
    - a child that ends, or says nothing for too long, is started again: for ever, ever more slowly, visibly;
    - one whose event loop stands still is seen as silent after 5 s and killed after `hang_timeout_s`, unless
      the supervisor stood still, too, or no beat can be written;
    - a stop ends all children within `stop_timeout_s`, also those that hang;
    - no child outlives its supervisor by more than a second, however that one ended; only one that must
      end something itself asks for longer (the background process: 3 s, for PostgreSQL, which else nobody
      would stop);
    - a process that is gone is never reported as ready, whoever has its pid now;
    - a project has one supervisor; an optional child keeps it from nothing.
"""
