"""Probe commands and pure parsers of their output: from a node's answers to its `Facts`.

A probe is an argument list; a parser takes text and returns facts. Where the text comes from, a
connection or a recording, is up to the caller.
"""
