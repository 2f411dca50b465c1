"""Time to read a large tree of the published framework, relative to a bare loop over its files.

    python -m tests.benchmarks.bench_ingest [COPIES]

The tree is grown from the sample: 98 iterations of its three case runs. The loop reads every file
and parses the JSON; reading makes cells, samples, series and a manifest of it, and writes parquet.
"""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tasks.reading import legacy
from tasks.storage.dataset import Dataset

from ..paths import LEGACY_RESULTS

GOAL = 3.0


def grow(root: Path, copies: int) -> None:
    first = next(LEGACY_RESULTS.rglob("iteration_001"))
    for number in range(1, copies + 1):
        shutil.copytree(first, root / f"iteration_{number:03d}")


def bare_loop(root: Path) -> int:
    files = [path for path in root.rglob("*") if path.is_file()]
    for path in files:
        text = path.read_text(errors="replace")
        if path.suffix == ".json":
            json.loads(text)
    return len(files)


def main(copies: int) -> int:
    with tempfile.TemporaryDirectory(prefix="ingest-") as scratch:
        root = Path(scratch) / "tree"
        grow(root, copies)
        bare_loop(root)  # fills the page cache for both
        begun = time.process_time()
        files = bare_loop(root)
        bare_s = time.process_time() - begun
        begun = time.process_time()
        reading = legacy.read(root, "grown", "run")
        dataset = Dataset(Path(scratch) / "datasets")
        dataset.replace("grown", "run", reading.tables())
        ingest_s = time.process_time() - begun
        assert reading.manifest.height == files, "a file is missing in the manifest"
        print(f"{copies * 3} case runs, {files} files: bare loop {bare_s:.1f} s, "
              f"ingest {ingest_s:.1f} s of CPU, {reading.cells.height} cells")  # fmt: skip
        print(f"ingest / bare loop: {ingest_s / bare_s:.2f} (goal ≤ {GOAL})")
        return int(ingest_s / bare_s > GOAL)


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 98))
