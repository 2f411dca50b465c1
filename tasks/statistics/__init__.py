"""Effects, intervals, verdicts, stopping, calibration: frames and numbers in, frames out.

Imports model and storage.schema. Knows nothing of hosts, files or reports.
"""
