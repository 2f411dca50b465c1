"""Windows are chosen once, where datasets are given, and their reasons stay with the plan."""

from pathlib import Path

import pytest

from flows.cli.documents import plan_json
from flows.environment_plans import plans_of
from tasks.forecast import forecast_plan
from tasks.model.errors import InputError
from tasks.model.plan import Plan
from tasks.model.settings import Measurement, Selection

from ..tasks.test_choose_windows import made

AUTO = Measurement(windows="auto")


def make(*_: object) -> Plan:
    return made()


def test_the_reasons_of_the_windows_are_in_the_document_of_the_plan(tmp_path: Path) -> None:
    stored = str(tmp_path / "datasets")
    (planned,) = plans_of([tmp_path], Selection(), AUTO, make=make, datasets=stored)
    assert planned.reasons == ("nothing is stored of this environment yet: preset windows",)
    document = plan_json(planned.plan, forecast_plan(planned.plan, stored, None), planned.reasons)
    assert document.windows_chosen == list(planned.reasons)


@pytest.mark.parametrize("windows", ["auto", "preset"])
def test_a_plan_that_is_only_checked_has_the_preset_windows(tmp_path: Path, windows: str) -> None:
    measurement = Measurement.model_validate({"windows": windows})
    (planned,) = plans_of([tmp_path], Selection(), measurement, make=make)
    assert planned.plan == made()
    assert planned.reasons == ()


def test_an_unknown_environment_is_named() -> None:
    with pytest.raises(InputError, match="no such environment"):
        plans_of(["nowhere"], Selection(), Measurement())
