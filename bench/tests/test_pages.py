"""What the benches write, as the pages show it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cost
import from_airflow
import page
import plot
import pytest

from stack.errors import StackError

DATA = Path(__file__).parent / "data"


def given(name: str) -> dict[str, Any]:
    run: dict[str, Any] = json.loads((DATA / name).read_text())
    return run


def cells(text: str, *names: str) -> list[str]:
    """The cells of the one row of a table that begins with these."""
    (row,) = [row for row in text.splitlines() if row.startswith(f"| {' | '.join(names)} |")]
    return [cell.strip() for cell in row.strip("|").split("|")][len(names) :]


def test_table_cold_starts_are_medians_and_ratios_of_the_same_run() -> None:
    text = plot.table(given("bench.json"))

    # p50, p90, p99, to Python, to the floor; asks, own p50, to Python's own; memory
    assert cells(text, "`submit-job`", "session", "cached", "native") == [
        *("100", "400", "400", "0.20", "20.0"),
        *("12", "20", "0.05"),
        "54",
    ]


def test_table_the_floor_has_a_row_and_no_cluster() -> None:
    text = plot.table(given("bench.json"))

    assert cells(text, "only answers", "", "cached", "floor")[:5] == ["5", "9", "9", "", "1.0"]
    assert "| none |" not in text


def test_table_warm_calls_are_held_against_both_floors() -> None:
    text = plot.table(given("bench.json"))

    assert cells(text, "`submit-job`", "native", "3", "5") == ["23.0", "13.00", "20.00", "20.00", "13.0", "3.2"]


def test_table_artifacts_and_throughput_are_said() -> None:
    text = plot.table(given("bench.json"))

    assert "native 21.2 MB, python 18.1 MB" in text
    assert "4 native processes started 681 jobs on one cluster, 679 a minute" in text


def test_table_what_is_wanted_is_held_against_what_was_measured() -> None:
    text = plot.table(given("bench.json"))

    assert cells(text, "cold `submit-job`, files cached: p50 / Python's") == ["≤ 0.2", "0.2", "yes"]
    assert cells(text, "cold `submit-job`, files cached, its own time: p50 / Python's") == ["≤ 0.2", "0.0476", "yes"]
    assert cells(text, "cold `submit-job`, files cached: p99 / Python's") == ["≤ 0.35", "0.444", "**no**"]
    assert cells(text, "cold `submit-job`, files on disk: p50 / Python's") == ["≤ 0.2", "not measured", ""]
    assert cells(text, "repeated `submit-job`, its own time: p99") == ["≤ 5 ms", "20 ms", "**no**"]
    assert cells(text, "repeated `submit-job`, its own time: p50 / asking floor's") == ["≤ 1.5", "3.25", "**no**"]
    assert cells(text, "jobs started in a minute, none twice") == ["≥ 300", "679", "yes"]


@pytest.mark.parametrize(("program", "name"), [(plot, "bench.json"), (from_airflow, "bench-airflow.json")])
def test_draw_what_was_measured_is_a_picture(program: Any, name: str, tmp_path: Path) -> None:
    program.draw(given(name), tmp_path / "picture.svg")

    assert (tmp_path / "picture.svg").read_text().lstrip().startswith("<?xml")


def test_table_a_million_checks_cost_their_time_their_calls_and_their_reads() -> None:
    prices = {
        "region": "nowhere",
        "asOf": "November 2026",
        "lambdaGbSecond": 0.00001,
        "lambdaMillionCalls": 0.2,
        "scheduledMillionCalls": 1.0,
        "dynamoDbMillionReadUnits": 0.1,
        "monitorJobsGb": 0.5,
        "monitorJobsProcessors": 0.25,
        "readUnitsOfAJob": 0.5,
        "readUnitsOfALook": 1,
        "millisOfAnAnswer": 4,
        "looksAtOnce": 8,
    }

    text = cost.table(given("bench-sweep.json"), prices)

    # 1.2 s, or four times as long, and 0.9 s of waits, of 0.5 GB; one call; 500 and 200 read units
    assert cells(text, "1,000") == [
        *("1,200.0", "900.0"),
        *("0.0105", "0.0285"),
        *("0.0012", "0.0700"),
        *("0.0817", "0.0997"),
    ]


def test_prices_are_all_that_the_table_needs() -> None:
    assert "US East" in cost.table(given("bench-sweep.json"), json.loads(cost.PRICES.read_text()))


def test_table_the_way_from_airflow_is_divided_into_phases() -> None:
    text = from_airflow.table(given("bench-airflow.json"))

    assert cells(text, "the task reads its DAG and calls") == ["1,100", "1,100"]
    assert cells(text, "submit-job's process starts") == ["100", "0"]
    assert cells(text, "**`submit-job`'s share of it**") == ["14.6%", "5.0%"]


def test_phases_tasks_that_run_before_the_answer_end_all_phases() -> None:
    before_the_answer = from_airflow.rounds_of(given("bench-airflow.json"), cold=True)[1]

    phases = before_the_answer.phases()

    assert phases["submit-job, Flink's and AWS's answers in it"] == pytest.approx(300)
    assert phases["Flink starts the job's tasks"] == 0
    assert sum(phases.values()) == pytest.approx(before_the_answer.running)


def test_call_log_of_several_calls_is_the_line_with_an_outcome_and_its_report() -> None:
    def event(stream: str, message: str) -> dict[str, Any]:
        return {"logStreamName": stream, "message": message, "timestamp": 7000 if stream == "b" else 5000}

    line = '{"level":"INFO","jobName":"%s","durationMs":%d%s}'
    log = [
        event("a", line % ("other", 10, ',"outcome":"STARTED"')),
        event("a", "REPORT RequestId: 1\tDuration: 20 ms\tBilled Duration: 20 ms"),
        event("b", "START RequestId: 2 Version: 3"),
        event("b", line % ("mine", 30, "")),
        event("b", line % ("mine", 340, ',"outcome":"STARTED"')),
        event("b", "REPORT RequestId: 2\tDuration: 400 ms\tBilled Duration: 400 ms"),
    ]

    assert from_airflow.call(log, "mine") == (7000, 400, 340)
    with pytest.raises(StackError, match="no line of a call that started nobody"):
        from_airflow.call(log, "nobody")


def test_publish_replaces_what_the_program_has_written_before(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(
        "before\n<!-- made by bench/cost.py --publish: begin -->\nold\n"
        "<!-- made by bench/cost.py --publish: end -->\nbehind\n"
    )

    page.publish("cost.py", "new\n", file)
    page.publish("cost.py", "newer\n", file)

    assert file.read_text() == (
        "before\n<!-- made by bench/cost.py --publish: begin -->\nnewer\n"
        "<!-- made by bench/cost.py --publish: end -->\nbehind\n"
    )


@pytest.mark.parametrize("program", ["cost.py", "plot.py", "from_airflow.py"])
def test_page_has_a_place_for_each_program(program: str) -> None:
    text = page.PAGE.read_text()

    assert text.count(f"made by bench/{program} --publish: begin") == 1
    assert text.count(f"made by bench/{program} --publish: end") == 1
