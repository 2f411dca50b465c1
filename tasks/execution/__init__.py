"""The life of one case on its hosts: hooks, tool, loads, monitors, and an outcome for each cell.

Speaks to hosts only through the `Shell` protocol, so that a test can stand in a fault.
"""
