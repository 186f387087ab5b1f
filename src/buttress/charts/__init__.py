"""Charts: Vega-Lite specs to SVG, and bars for terminals.

Nothing lives here yet: the room has its place in the house, and the law of imports already holds for it.
"""
