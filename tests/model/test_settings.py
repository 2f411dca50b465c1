"""Settings: no option of a run is accepted and then ignored."""

from dataclasses import fields

from tasks.model.plan import Design
from tasks.model.settings import Measurement

RENAMED = {"max_load": "max_load_1m", "budget_h": "budget_s"}
OF_WORKLOADS = {"workloads", "window_s", "warmup_s", "streams", "affinity"}  # planning/workloads.py
OF_PLAN = {"windows"}  # tasks/choose_windows.py
OF_HOSTS = {"min_free_mib", "keep_on_hosts"}  # flows/host_reservation.py


def test_every_setting_of_a_measurement_reaches_the_design_the_workloads_or_the_hosts() -> None:
    design = {field.name for field in fields(Design)}
    assert design >= set(RENAMED.values())
    elsewhere = OF_WORKLOADS | OF_PLAN | OF_HOSTS | RENAMED.keys()
    assert Measurement.model_fields.keys() - elsewhere == design - set(RENAMED.values())


def test_a_changed_setting_arrives_in_the_design() -> None:
    changed = {"iterations": 7, "placebos": 3, "cooldown_s": 1.5, "until_decided": True, "seed": 5}
    design = Measurement(**changed, budget_h=2, max_load=0.5).design()
    assert {name: getattr(design, name) for name in changed} == changed
    assert (design.budget_s, design.max_load_1m) == (7200, 0.5)
