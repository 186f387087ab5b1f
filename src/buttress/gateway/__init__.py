"""Gateway: the way of a call, composed of the rooms.

Where you are: above the rooms, below the composition root. `answer.py` lists the steps of a call in order;
reading it is reading the product. `compiling/` turns a folder of files into an immutable release.

Read in this order:
    types      what each step hands to the next, and the events an answer is made of
    answer     the steps, in the only order that type-checks
    steps/     one file a step, in the order of DESIGN: admit choose inspect rules recall retrieve compose
               send check decide record; beside recall: follow (an equal call), keep (for the next one);
               beside retrieve: map, in place of all that follows; behind a call: summarise
    mapping/   reading a long text in pieces, for the step map
    relay, relay_cache
               the same way for a model that is asked by its name, and how its answers are kept
    kept       an answer as it is kept
    ports      what a call needs from the world
    compiling/ feature files -> release, every mistake with file and line

Promises:
    - a call that began ends with exactly one `Ended` event or one error, and one trace, also when it is
      cancelled or killed by an error nobody foresaw; when its process is killed, a trace is all that is left;
    - every answer has a fallback: a model that fails, a retrieval that is down or nothing relevant found end
      in an honest text, never in a traceback;
    - what a stream released is never taken back; a cut answer says that it was cut.
"""
