"""Where the tests' recorded data lies."""

from pathlib import Path

DATA = Path(__file__).parent / "data"
REFERENCE_CASES = DATA / "reference-cases"
LEGACY_RESULTS = DATA / "legacy-results"
