"""Tools, cases, and their order in time: from an environment to the plan that is run.

Pure: reads the catalogue and the environment's files, touches no host.
"""
