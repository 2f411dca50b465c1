"""The local lab: hosts as namespaces with an sshd each, joined by a management and a test network.

Runs on this machine, as root. The rest of the program does not know that a lab exists: it is
reached over SSH like any other environment.
"""
