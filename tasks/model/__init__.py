"""What travels between the rooms: configuration as people write it, and the frozen values inside.

Imports the standard library, pydantic and PyYAML only. Knows nothing of hosts or Prefect.
"""
