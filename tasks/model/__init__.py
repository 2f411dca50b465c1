"""Data types that all packages share: configuration as people write it, and frozen values.

Imports the standard library, pydantic and PyYAML only. Knows nothing of hosts or Prefect.
"""
