"""The flow `bootstrap`: minimal-input.yaml → full.yaml and cases.json."""

from pathlib import Path

from prefect import flow

from tasks.bootstrap import Bootstrapped, bootstrap_environment


@flow(name="bootstrap", flow_run_name="bootstrap · {minimal_input}", validate_parameters=False)
async def bootstrap(
    minimal_input: Path,
    output_dir: Path | None = None,
    record: Path | None = None,
    replay: Path | None = None,
) -> Bootstrapped:
    """Discovers one environment's nodes over SSH and writes what it found."""
    return await bootstrap_environment(minimal_input, output_dir, record, replay)
