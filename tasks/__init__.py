"""The tasks of the pipeline, one per file; each folder is a package of plain Python.

A task is thin: it calls the packages and reports the result to Prefect where a flow runs it.
A package never imports Prefect, so that it can be used and tested without a server.
"""
