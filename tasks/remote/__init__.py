"""Hosts over SSH: connections, the supervisor that runs there, the host lock, file transfer.

Only this package imports asyncssh and opens connections. It knows commands and files, but nothing
of tools, loads or cases.
"""
