"""Hosts over SSH: connections, the supervisor that runs there, the host lock, file transfer.

Only this room imports asyncssh, and nothing else opens a connection. It knows commands and files,
and nothing of tools, loads or cases.
"""
