"""Is the number what it says? Gates for a cell, rules for a dataset, as data with stable ids.

Great Expectations is imported only in this room, and only by `expectations.py`, which is imported
only where a check runs: it takes seconds to load.
"""
