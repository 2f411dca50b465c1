"""The shape and place of everything kept: the parquet tables, the dataset, the raw tree.

`schema.py` defines each table once; columns elsewhere (DDL, dictionary, empty frames, casts) are
derived from it. Knows nothing of how a value was measured.
"""
