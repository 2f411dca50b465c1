"""Is the number what it says? Gates for a cell, rules for a dataset, as data with stable ids.

`gates` and `steady` judge what is being measured, `checks.run_rules` and
`expectations.run_checkpoint` the tables, `reference.check_reference` the published figures.

Imports model and storage.schema. Great Expectations is imported only in this room, and only by
`expectations.py`, which is imported only where a check runs: it takes seconds to load.
"""
