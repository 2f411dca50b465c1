"""The command line: wrong input is reported before anything starts, one line for each mistake."""

import json
import sys
from pathlib import Path

import pytest

from flows.cli import main as cli

from ...paths import REFERENCE_CASES


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """Runs the command as a shell would; returns its exit code, standard output and error."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ebpf-overhead", *words])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capfd.readouterr()
        return code, out, err

    return run


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A configuration folder as the published framework writes it."""
    for path in REFERENCE_CASES.glob("*"):
        if path.name.endswith(("full.yaml", "cases.json")):
            (tmp_path / path.name).write_text(path.read_text())
    return tmp_path


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["run"], ["--config-dir", "missing"]),
        (["run", "--resume", "never"], ["--resume", "never", "no such run"]),
        (["run", "--config-dir", "/none"], ["--config-dir: /none: no such environment"]),
        (["compare", "never", "again"], ["never", "no such run"]),
        (["demo", "--layers", "guest"], ["--layers: guest", "host, vm"]),
        (["plan"], ["ebpf-overhead plan: missing option '--config-dir'", "plan --help"]),
        (["ingest"], ["ebpf-overhead ingest: missing argument 'results'"]),
        (["run", "--iterations", "-1"], ["--iterations: -1: should be greater than or equal to 1"]),
        (["run", "--iterations", "many"], ["--iterations: many: should be a valid integer"]),
        (["run", "--protocol", "sctp"], ["--protocol: sctp: not one of 'tcp', 'udp', 'icmp'"]),
        (["run", "--seed"], ["option '--seed' requires an argument"]),
        (["run", "--sed", "1"], ["ebpf-overhead run: no such option: --sed", "--seed"]),
        (["measure"], ["ebpf-overhead: no such command 'measure'"]),
        (
            ["run", "--config-dir", "/tmp", "--until-decided", "--iterations", "8"],
            ["--iterations", "--max-iterations"],
        ),
        (["bootstrap", "--minimal-input", "/none.yaml"], ["/none.yaml", "cannot be read"]),
        (["ingest", "/none"], ["/none", "no such folder"]),
        (["analyze", "--iteration-path", "/none"], ["--iteration-path: /none", "no such folder"]),
        (
            ["ingest", "/tmp", "--datasets", "s3://key:word@store"],
            ["--datasets", "credential"],
        ),
        (["check"], ["--reference"]),
        (["plan", "--config-dir", "/tmp", "--budget", "infh"], ["--budget: infh: not a time"]),
        (["run", "--config-dir", "/tmp", "--lang", ""], ["--lang", "some of zh, en"]),
        (["run", "--config-dir", "/tmp", "--max-load", "nan"], ["--max-load: nan", "finite"]),
        (["run", "--config-dir", "/tmp", "--max-load", "-1"], ["--max-load: -1", "greater than 0"]),
        (["cases"], ["--config-dir", "--config"]),
        (["cases", "--config", "/none-full.yaml"], ["/none-full.yaml", "cannot be read"]),
        (["--project", "/none", "check"], ["--project: /none", "init"]),
        (["check", "--reference", "--format", "xml"], ["--format", "xml", "'table', 'json'"]),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(call, words, parts):
    code, _, err = call(*words)
    assert code == 2
    assert len(err.strip().splitlines()) == 1, err
    for part in parts:
        assert part in err


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--workloads", "bogus,quik"], ["bogus", "quik", "quick"]),
        (["--tools", "nope"], ["--tools", "nope", "eth_drop"]),
        (["--tools", "eth_drp"], ["no case has 'eth_drp'; expected one of eth_drop\n"]),
        (["--tools", "conntrack"], ["expected one of trace_conntrack\n"]),
        (["--protocol", "sctp"], ["--protocol", "sctp"]),
        (["--budget", "soon"], ["--budget", "soon"]),
        (["--affinity", "one"], ["--affinity", "one"]),
        (["--category", "nothing"], ["--category", "nothing", "ovs"]),
    ],
)
def test_a_wrong_option_is_named_with_the_known_ones(call, published, options, parts):
    code, _, err = call("plan", "--config-dir", str(published), *options)
    assert code == 2
    for part in parts:
        assert part in err


def test_cases_are_written_again_from_a_corrected_full_yaml(call, published):
    (full,) = published.glob("*-full.yaml")
    (cases,) = published.glob("*-cases.json")
    before = cases.read_bytes()
    assert call("plan", "--config-dir", str(published))[1].count("does not match") == 0
    full.write_text(full.read_text().replace("eth_drop.py", "eth_drops.py"))
    _, out, _ = call("plan", "--config-dir", str(published))
    assert f"{cases.name} is used; it does not match {full.name}: only in full.yaml:" in out
    code, out, _ = call("cases", "--config", str(full))
    assert (code, out.strip()) == (0, f"wrote {cases}: 97 cases")
    assert "eth_drops.py" in cases.read_text()
    assert cases.with_name(f"{cases.name}.old").read_bytes() == before
    assert "does not match" not in call("plan", "--config-dir", str(published))[1]


def test_a_dry_run_shows_the_plan_and_starts_nothing(call, published, tmp_path):
    code, out, _ = call(
        "run", "--config-dir", str(published), "--dry-run", "--iterations", "2", "--seed", "1",
        "--results-dir", str(tmp_path / "results"),
    )  # fmt: skip
    assert code == 0
    assert "97 cases and 4 placebos × 10 workloads × 2 iterations" in out
    assert not (tmp_path / "results").exists()


def test_until_decided_plans_the_maximum_of_iterations(call, published):
    code, out, _ = call("run", "--config-dir", str(published), "--until-decided", "--dry-run")
    assert code == 0
    assert "12 iterations" in out and "at most about" in out


def test_the_same_seed_gives_the_same_workflow(call, published, tmp_path):
    for name in ("one", "two"):
        options = ["--seed", "7", "--output", str(tmp_path / name)]
        assert call("plan", "--config-dir", str(published), *options)[0] == 0
    texts = [(tmp_path / name / "workflow.json").read_text() for name in ("one", "two")]
    assert texts[0] == texts[1]


def test_help_shows_an_example_for_every_command(call):
    _, out, _ = call("--help")
    for command in ("bootstrap", "cases", "plan", "run", "ingest", "analyze", "compare", "check"):
        assert command in out
        assert "Example" in call(command, "--help")[1]


def test_the_findings_of_the_published_figures_are_printed_as_json(call):

    code, out, _ = call("check", "--reference", "--format", "json")
    findings = json.loads(out)["findings"]
    needed = {"rule_id", "severity", "environment", "layer", "tool", "metric", "observed",
              "expected", "message"}  # fmt: skip
    assert code == 0
    assert all(needed <= finding.keys() for finding in findings)


def test_ctrl_c_reports_what_is_kept(call, monkeypatch):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tasks.check.reference_findings", interrupted)
    code, _, err = call("check", "--reference")
    assert code == 130
    assert err.startswith("interrupted: finished cells are kept")


@pytest.mark.parametrize(
    ("words", "name"),
    [(["cases"], "cases"), (["plan", "--iterations", "2"], "plan")],
)
def test_cases_and_plan_are_json_documents_too(call, published, words, name):
    code, out, _ = call(*words, "--config-dir", str(published), "--format", "json")
    document = json.loads(out)
    assert (code, document["format"]) == (0, f"ebpf-overhead.{name}.1")
    if name == "cases":
        assert len(document["cases"]) == 97
    else:
        assert document["plans"][0]["cases"] == 97
        assert document["plans"][0]["duration_s"] > 3600
