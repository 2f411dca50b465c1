"""The local lab: hosts as namespaces with an sshd each, joined by a management and a test network.

Runs on the machine it is called on, as root. Nothing else in the house knows that a lab exists: it
is reached over SSH like any other environment.
"""
