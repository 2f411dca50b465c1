"""The errors of all environments of a campaign are reported."""

from pathlib import Path

import pytest

import flows.campaign
from flows.measure import Measuring
from tasks.model.errors import EnvironmentErrors, HostsBusy, OverheadError, Unreachable
from tasks.model.settings import Measurement
from tasks.storage import rawtree


def a_run(folder: Path, *environments: str) -> Path:
    for name in environments:
        known = {"environment": name, "run": "r", "schema_version": 1, "hosts": [name]}
        rawtree.write_json(folder / name / "environment.json", known)
    return folder


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> dict[str, BaseException]:
    """Environment -> the error that measuring it raises; others succeed."""
    errors: dict[str, BaseException] = {}

    async def measure(folder: object, environment: str, run: str, measuring: object) -> str:
        if environment in errors:
            raise errors[environment]
        return "the window ends" if environment == "early" else ""

    monkeypatch.setattr(flows.campaign, "measure", measure)
    return errors


async def test_every_environment_that_failed_is_named(
    tmp_path: Path, raising: dict[str, BaseException]
) -> None:
    raising["a"] = Unreachable("a", "no SSH connection")
    raising["c"] = HostsBusy("c", "somebody")
    run = a_run(tmp_path, "a", "b", "c")
    with pytest.raises(EnvironmentErrors) as caught:
        await flows.campaign._measure_all(run, Measuring(Measurement()))
    assert str(caught.value).splitlines() == [str(raising["a"]), str(raising["c"])]
    assert caught.value.exit_code == Unreachable.exit_code


async def test_one_error_is_raised_as_it_is(
    tmp_path: Path, raising: dict[str, BaseException]
) -> None:
    raising["a"] = HostsBusy("a", "somebody")
    with pytest.raises(HostsBusy):
        await flows.campaign._measure_all(a_run(tmp_path, "a", "b"), Measuring(Measurement()))


async def test_a_defect_is_not_hidden_behind_an_environments_error(
    tmp_path: Path, raising: dict[str, BaseException]
) -> None:
    raising["a"], raising["b"] = OverheadError("a"), ZeroDivisionError("b")
    with pytest.raises(ZeroDivisionError):
        await flows.campaign._measure_all(a_run(tmp_path, "a", "b"), Measuring(Measurement()))


async def test_the_reason_for_an_early_end_is_reported_by_environment(
    tmp_path: Path, raising: dict[str, BaseException]
) -> None:
    run = a_run(tmp_path, "a", "early")
    ended = await flows.campaign._measure_all(run, Measuring(Measurement()))
    assert ended == {"early": "the window ends"}
