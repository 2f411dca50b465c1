"""Measuring on reserved hosts: a session runs slots, a slot attaches its tool and runs cells.

Reaches hosts only through the `Shell` protocol, so that a test can inject faults there.
"""
