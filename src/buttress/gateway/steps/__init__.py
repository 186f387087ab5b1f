"""The steps of a call, one file each, in the order of `gateway.answer`.

Each takes the type the step before returned, and the call under way; it returns the next type, or a `Reply`
that ends the call early. A step that is not built yet passes its input on.
"""
