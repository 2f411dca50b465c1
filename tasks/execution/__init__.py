"""Measuring on reserved hosts: a session runs slots, a slot attaches its tool and runs cells.

Speaks to hosts only through the `Shell` protocol, so that a test can put a fault in between.
"""
