"""Can the numbers be trusted? Gates for a cell, rules for a dataset, as data with stable ids.

`gates` and `steady` judge what is being measured; `checks` runs the rules of `rules` and the
expectations of `suites` over tables; `published_figures` puts the published figures under the same
rules.

Imports model and storage. Great Expectations is imported only in this package, and only by
`expectations.py`, which is imported only where a check runs: it takes seconds to load.
"""
