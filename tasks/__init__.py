"""The verbs of the pipeline: each file here is a Prefect task, each folder a room of plain Python.

A verb is thin: it opens a room, calls it, and says in Prefect what came out.
A room never imports prefect, so that all of it can be used and tested without a server.
"""
