"""Everything that is stored: the parquet tables, the dataset, the run folder, the raw tree.

`schema.py` defines each table once; every other list of columns (DDL, dictionary, empty frames,
casts) is derived from it. Knows nothing of how a value was measured.
"""
