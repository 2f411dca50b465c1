"""Runs the suites in Great Expectations; only this file imports it, and it takes seconds to load.

A batch is one table of one run of one environment: it needs no more memory than a run, and every
finding has its place. Frames become pandas here, at the edge. An expectation that raised reports
`success=False` too; its `exception_info` tells it apart, and it becomes an `error`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import polars as pl

from ..model.bilingual import Bilingual
from ..storage.schema import CHECKS, PARTITION
from .checks import complete
from .rule import KEYS, Tables
from .suites import SUITES, Suite

_PLACE = ("layer", "tool", "case", "workload", "metric")
"""One finding for each combination of these; it counts the rows of all iterations."""

_SEVERITY = {"blocks": "critical", "warns": "warning", "informs": "info"}

_ADVICE = Bilingual(
    "Ingest the raw results again; if it persists, the reader or a program on the host is faulty.",
    "重新导入原始结果；若仍存在，则读取程序或主机上的测量程序有误。",
)
_RAISED = Bilingual("Not evaluated: {raised}", "检查未能执行，原始信息：{raised}")


def run_checkpoint(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Every suite over every run in the tables: rows of `checks`.

    One row for each failed expectation and place, one `error` for each that raised, one `passed`
    for each suite and run without either. No Data Docs are written: those pages load scripts from
    the network, and every finding is in the report.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_pandas("tables")
    checkpoints = {suite.name: _checkpoint(context, source, suite) for suite in SUITES}
    checks: list[dict[str, Any]] = []
    for key, batch in _batches(complete(tables)):
        place = dict(zip(PARTITION, key, strict=True))
        baselines = set(batch["cells"].filter(kind="baseline")["case"].drop_nulls())
        for suite in SUITES:
            frame = suite.frame(batch)
            if frame.is_empty():
                continue
            rows = list(_validate(checkpoints[suite.name], suite, frame))
            clean = [{"rule_id": f"expect.{suite.name}", "severity": "blocks",
                      "status": "passed", "observed": f"0/{frame.height}"}]  # fmt: skip
            checks += [place | _of_all_cases(row, baselines) for row in rows or clean]
    return CHECKS.frame(checks)


def _of_all_cases(row: dict[str, Any], baselines: set[str]) -> dict[str, Any]:
    """A finding in a baseline concerns every case, since all are compared with it."""
    if row.get("case") not in baselines:
        return row
    return row | {"case": None, "observed": f"{row['case']}: {row['observed']}"}


def _checkpoint(context: Any, source: Any, suite: Suite) -> Any:
    columns = suite.frame(complete({})).columns
    placing = [key for key in KEYS if key in columns and key not in PARTITION]
    batch = source.add_dataframe_asset(suite.name).add_batch_definition_whole_dataframe("run")
    expectations = [
        getattr(gxe, e.type)(**e.arguments, severity=_SEVERITY[e.severity], meta={"id": e.id})
        for e in suite.expectations
    ]
    checked = context.suites.add(gx.ExpectationSuite(suite.name, expectations=expectations))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=suite.name, data=batch, suite=checked)
    )
    return context.checkpoints.add(
        gx.Checkpoint(
            name=suite.name,
            validation_definitions=[definition],
            result_format={
                "result_format": "COMPLETE",
                "unexpected_index_column_names": placing,
            },
        )
    )


def _batches(tables: Tables) -> Iterator[tuple[tuple[Any, ...], Tables]]:
    """Each (environment, run) with its part of every table."""
    parts = {
        name: frame.partition_by(PARTITION, as_dict=True, maintain_order=True)
        for name, frame in tables.items()
    }
    for key in sorted({key for part in parts.values() for key in part}, key=str):
        yield key, {name: part.get(key, tables[name].clear()) for name, part in parts.items()}


def _validate(checkpoint: Any, suite: Suite, frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Rows of one batch: the findings of failed expectations, and those that raised."""
    by_id = {expectation.id: expectation for expectation in suite.expectations}
    outcome = checkpoint.run(batch_parameters={"dataframe": frame.to_pandas()})
    for validation in outcome.run_results.values():
        for result in validation.results:
            expectation = by_id[result.expectation_config.meta["id"]]
            common = {"rule_id": expectation.id, "severity": expectation.severity}
            if raised := _exception(result.exception_info):
                yield common | {"status": "error"} | _message(_RAISED.format(raised=raised))
            elif not result.success:
                common |= {
                    "status": "failed",
                    **_message(expectation.message),
                    "advice": _ADVICE.en,
                    "advice_zh": _ADVICE.zh,
                }
                yield from (common | placed for placed in _placed(result.result, frame))


def _message(text: Bilingual) -> dict[str, str]:
    return {"message": text.en, "message_zh": text.zh}


def _exception(info: Mapping[str, Any]) -> str | None:
    """The message of an expectation that raised: GX has it flat, or once for each metric."""
    for each in (info, *(value for value in info.values() if isinstance(value, Mapping))):
        if each.get("raised_exception"):
            return str(each.get("exception_message")).splitlines()[0]
    return None


def _placed(result: Mapping[str, Any], frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """A finding for each case, workload and metric that has unexpected rows, with their number."""
    place = [key for key in _PLACE if key in frame.columns]
    if not place or "unexpected_index_list" not in result:  # about columns, not rows
        odd = ("partial_unexpected_list", "details", "observed_value")
        yield {"observed": str(next(result[key] for key in odd if key in result))}
        return
    listed = [{k: _plain(v) for k, v in row.items()} for row in result["unexpected_index_list"]]
    for _, group in pl.DataFrame(listed, infer_schema_length=None).group_by(
        place, maintain_order=True
    ):
        first = group.row(0, named=True)
        shown = ", ".join(f"{k}={v}" for k, v in sorted(first.items()) if k not in KEYS)
        yield {key: first[key] for key in place} | {
            "observed": f"{group.height}/{frame.height}" + (f": {shown}" if shown else "")
        }


def _plain(value: Any) -> Any:
    """A pandas or numpy scalar as Python has it; missing as None."""
    value = value.item() if hasattr(value, "item") else value
    return None if value != value else value
