"""Everything that is stored: the parquet tables, the dataset, the folder of a run, its raw tree.

`schema.py` defines each table once; columns elsewhere (DDL, dictionary, empty frames, casts) are
derived from it. Knows nothing of how a value was measured.
"""
