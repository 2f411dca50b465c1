"""Time and instructions are different quantities: figures on different clocks stay apart."""

from dataclasses import replace
from pathlib import Path

import pytest

from tasks.choose_windows import with_chosen_windows
from tasks.compare import compare_two
from tasks.lay_out_run import lay_out_run
from tasks.model.clock_kind import Clock
from tasks.model.errors import InputError
from tasks.model.facts import Facts, fingerprint
from tasks.storage.dataset import Dataset
from tasks.storage.schema import RUNS

from .test_choose_windows import made, stored

__all__ = ["stored"]  # a fixture


def run_on(clock: str, environment: str = "e", run: str = "r") -> dict[str, object]:
    about = {"environment": environment, "run": run, "source": "native", "schema_version": 5}
    return about | {"clock": clock}


def test_two_runs_on_different_clocks_are_not_compared(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    for run, clock in (("old", "wall"), ("new", "instructions"), ("newer", "instructions")):
        dataset.replace("e", run, {"runs": RUNS.frame([run_on(clock, run=run)])})
    with pytest.raises(InputError) as error:
        compare_two(str(tmp_path), [("e", "old")], [("e", "new")])
    assert str(error.value) == (
        "compare: new: was measured by instruction count, old by the wall clock; "
        "expected two runs on one clock"
    )
    assert compare_two(str(tmp_path), [("e", "new")], [("e", "newer")]).worse == ()


def test_environments_on_different_clocks_are_not_measured_in_one_run(tmp_path: Path) -> None:
    counting = replace(made(), environment="counting", clock=Clock.INSTRUCTIONS)
    with pytest.raises(InputError, match="counting counts instructions, simulated is on the wall"):
        lay_out_run(tmp_path / "run", [(tmp_path, made()), (tmp_path, counting)])
    assert not (tmp_path / "run").exists()


def test_windows_are_chosen_by_the_noise_on_their_own_clock(stored: str) -> None:
    Dataset(stored).replace(
        "simulated", "simulated", {"runs": RUNS.frame([run_on("wall", "simulated", "simulated")])}
    )
    nothing = "nothing is stored of this environment yet: preset windows"
    assert with_chosen_windows(made(), stored).reasons != (nothing,)
    counting = replace(made(), clock=Clock.INSTRUCTIONS)
    assert with_chosen_windows(counting, stored).reasons == (nothing,)


def test_another_clock_is_another_epoch_and_stored_epochs_stay_as_they_were() -> None:
    facts = (Facts(node="a", kernel="6.1"),)
    assert fingerprint(facts) == fingerprint(facts, Clock.WALL) == "948be4dcf0ea"
    assert fingerprint(facts, Clock.INSTRUCTIONS) != fingerprint(facts)
