"""Tools, cases and their order in time: from an environment to the plan that is run.

Reads the catalogue and the environment's files; touches no host.
"""
