"""Figures on the instruction clock are called so wherever they stand."""

from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest

from tasks.model.errors import InputError
from tasks.reporting.bundle import Bundle
from tasks.reporting.exports import FORMATS
from tasks.reporting.page import write_page
from tasks.reporting.report_page import report_page
from tasks.reporting.result_document import result_of
from tasks.reporting.summary import summary_sentence, summary_table
from tasks.reporting.texts import Lang
from tasks.reporting.workbook import write_workbook
from tasks.storage.dataset import Dataset
from tasks.storage.schema import TABLES

from .report_bundle import Campaign
from .test_workbook import rows

ONE = ("lab-510-intel",)
SAID = {"en": "by instruction count", "zh": "按指令数"}
MEANING = {
    "en": "how much work a tool adds, not what a production host loses",
    "zh": "工具增加多少工作量，而不是生产主机损失多少性能",
}
ONE_CPU = {
    "en": "one vCPU, for which a tool's user side competes with the traffic",
    "zh": "主机只有一个虚拟 CPU，工具的用户态部分与流量争用它",
}

HOSTS = {"en": "Kernel and hosts", "zh": "内核与主机"}


@pytest.fixture(scope="module")
def counted() -> Bundle:
    return Campaign(ONE, clock="instructions").bundle()


@pytest.fixture(scope="module")
def timed() -> Bundle:
    return Campaign(ONE).bundle()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_first_page_says_what_the_figures_mean(
    counted: Bundle, timed: Bundle, lang: Lang, tmp_path: Path
) -> None:
    def texts(bundle: Bundle) -> dict[str, str]:
        files = write_page(report_page(bundle, lang), tmp_path)
        return {file.suffix: file.read_text(encoding="utf-8") for file in files}

    for text in texts(counted).values():
        top = text.partition(HOSTS[lang])[0]  # above the first table
        assert MEANING[lang] in top.replace("&#39;", "'")
        assert ONE_CPU[lang] in top.replace("&#39;", "'")
        assert text.lower().count(SAID[lang]) > 5  # beside the costs of each table too
    for text in texts(timed).values():
        assert SAID[lang] not in text.lower()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_answer_in_a_sentence_is_by_instruction_count(
    counted: Bundle, timed: Bundle, lang: Lang
) -> None:
    plain = summary_sentence(summary_table(timed), lang)
    said = summary_sentence(summary_table(counted), lang)
    assert said.lower().startswith(SAID[lang]) and said.endswith(plain[1:])


def test_every_export_says_it(counted: Bundle, timed: Bundle) -> None:
    result = result_of(counted)
    assert {run.clock for run in result.runs} == {one.clock for one in result.answers}
    assert {str(run.clock) for run in result.runs} == {"instructions"}
    suites = ElementTree.fromstring(FORMATS[".xml"](result))
    assert suites.findall(".//testcase")
    for test in suites.findall(".//testcase"):
        (outcome,) = test
        assert (outcome.text or outcome.get("message", "")).startswith(SAID["en"])
    assert MEANING["en"] in FORMATS[".md"](result)
    assert 'clock="instructions"' in FORMATS[".prom"](result)
    for suffix, text in FORMATS.items():
        assert SAID["en"] not in text(result_of(timed)).lower(), suffix


def test_the_workbook_has_a_column_for_it(counted: Bundle, tmp_path: Path) -> None:
    heads, *tools = rows(write_workbook(counted, tmp_path / "r.xlsx"), 1)
    assert {row[heads.index("clock")] for row in tools} == {"instruction count"}


def test_one_report_is_on_one_clock(counted: Bundle, timed: Bundle, tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    for run, bundle in (("a", counted), ("b", timed)):
        frames = {name: getattr(bundle, name).with_columns(run=pl.lit(run)) for name in TABLES}
        dataset.replace(ONE[0], run, frames)
    with pytest.raises(InputError, match="a report of its own for each clock"):
        Bundle.read(dataset, [(ONE[0], "a"), (ONE[0], "b")], {})
    assert Bundle.read(dataset, [(ONE[0], "a")], {}).runs.height == 1
