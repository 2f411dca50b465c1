"""One file for each program run on a host: how it is started (argv), how its output reads.

Parsers are pure: text in, frozen records out, `ParseError` for anything that cannot be trusted.
Nothing here runs a program, opens a file, or knows of cases.
"""
