"""The parts of the report: `View` in, `Section` out, None where there is no data."""
