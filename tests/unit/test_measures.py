"""What a benchmark says, and how it is shown."""

import json

import pytest
from benchmarks import deployment
from benchmarks.__main__ import COMPUTED, MODULES, PAGE, PLOT, RESULTS, ROOT, with_renewed
from benchmarks.alone import alone
from benchmarks.measure import Measure, Sample, difference, paired, ratio
from benchmarks.report import number, plot, with_tables


def test_a_measure_is_written_with_what_it_is_to_reach():
    measure = Measure(name="cold start", value=1.2, unit="times", reach=1.3, detail={"rounds": 9})
    assert measure.as_json() == {
        "name": "cold start",
        "value": 1.2,
        "unit": "times",
        "reach": 1.3,
        "reached": True,
        "bound": "at most",
        "detail": {"rounds": 9},
    }


def test_where_no_reach_is_set_it_is_null_and_reached():
    shown = Measure(name="p99", value=80.0, unit="ms").as_json()
    assert shown == {"name": "p99", "value": 80.0, "unit": "ms", "reach": None, "reached": True}


@pytest.mark.parametrize(
    ("bound", "value", "reached"),
    [
        ("at most", 3.0, True),
        ("at most", 3.1, False),
        ("at least", 3.0, True),
        ("at least", 2.9, False),
    ],
)
def test_a_reach_is_the_most_or_the_least(bound, value, reached):
    assert Measure(name="x", value=value, unit="times", reach=3, bound=bound).reached is reached


def test_things_are_measured_in_turn_and_every_other_round_backwards():
    order = []

    def run(name, value):
        order.append(name)
        return value

    ours, bare = paired(3, lambda: run("ours", 2.0), lambda: run("bare", 1.0))
    assert order == ["ours", "bare", "bare", "ours", "ours", "bare"]
    assert (ours.values, bare.values) == ((2.0, 2.0, 2.0), (1.0, 1.0, 1.0))


def test_what_is_compared_is_compared_round_by_round():
    """A round in which the machine was busy slows both, and is one round among many."""
    ours, bare = Sample((2.0, 20.0, 2.2)), Sample((1.0, 10.0, 1.0))
    assert ratio(ours, bare) == 2.0
    assert difference(ours, bare) == pytest.approx(1.2)
    assert (ours.median, Sample((5.0,)).spread) == (2.2, (5.0, 5.0))


RUN = {
    "date": "2026-11-24",
    "seconds": 9,
    "machine": {"cpu": "a processor", "cores": 2, "memory_gb": 24, "kernel": "Linux 6"},
    "versions": {"python": "3.13.0", "commit": "abc1234"},
    "measures": [
        {
            "module": "warm",
            "name": "get_hook",
            "value": 0.25,
            "unit": "ms",
            "reach": 1.0,
            "reached": True,
            "bound": "at most",
            "compared": {"get_hook": 1.25, "<bare>": 1.0},
            "compared_unit": "ms",
        },
        {"module": "cost", "name": "idle", "value": 1234.5, "unit": "$", "reach": None, "reached": True},
    ],
}


def test_a_page_gets_the_measures_of_a_module_where_its_mark_is():
    page = (
        "before\n<!-- measures of warm -->\nold\n<!-- end of measures -->\nbetween\n"
        "<!-- the run -->\nold\n<!-- end of the run -->\nafter\n"
    )
    made = with_tables(page, RUN)
    assert made == (
        "before\n<!-- measures of warm -->\n"
        "| Measure | Value | Reach | Measured |\n|---|---|---|---|\n"
        "| get_hook | 0.250 ms | ≤ 1: yes | get_hook 1.25, <bare> 1 ms |\n"
        "<!-- end of measures -->\nbetween\n<!-- the run -->\n"
        "Measured 2026-11-24 on 2 cores of a processor with 24 GB, Linux 6, with python 3.13.0, "
        "at commit `abc1234`, in 9 s.\n<!-- end of the run -->\nafter\n"
    )
    assert with_tables(made, RUN) == made


def test_a_page_says_which_modules_were_measured_anew_and_at_which_load():
    page = "<!-- the run -->\n<!-- end of the run -->\n"
    later = {**RUN, "date": "2026-11-29", "load": 6.5, "modules": ["warm"]}
    _, _, _, line, _ = with_tables(page, {**RUN, "renewed": later}).splitlines()
    assert line == (
        "Of these, warm were measured anew 2026-11-29 on 2 cores of a processor with 24 GB, at a load of "
        "6.50 before it began, Linux 6, with python 3.13.0, at commit `abc1234`, in 9 s."
    )


def test_the_plot_has_a_bar_for_each_thing_that_is_compared():
    drawn = plot(RUN["measures"])
    assert drawn.count('height="16"') == 2
    assert "&lt;bare&gt;" in drawn
    assert "idle" not in drawn


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0123456, "0.0123"), (3.0, "3"), (1234.5, "1,234"), (0.25, "0.250"), (100.4, "100")],
)
def test_numbers_have_three_digits_that_count(value, shown):
    assert number(value) == shown


def test_what_is_computed_takes_the_place_of_what_it_was_and_leaves_the_rest():
    new = {**RUN["measures"][1], "value": 1.0}
    assert with_renewed(RUN, [new]) == {**RUN, "measures": [RUN["measures"][0], new]}
    assert set(MODULES) > COMPUTED


# ---------------------------------------------------------------- what is published


@pytest.fixture(scope="module")
def published():
    return json.loads(RESULTS.read_text())


def test_the_page_says_what_the_results_say(published):
    assert with_tables(PAGE.read_text(), published) == PAGE.read_text()
    assert plot(published["measures"]) == PLOT.read_text()


def test_the_results_are_of_every_benchmark(published):
    assert list(dict.fromkeys(measure["module"] for measure in published["measures"])) == list(MODULES)
    assert all(f"<!-- measures of {module} -->" in PAGE.read_text() for module in MODULES)
    assert published["seconds"] <= 20 * 60


def test_each_measure_that_is_published_has_its_form(published):
    names = [measure["name"] for measure in published["measures"]]
    assert len(set(names)) == len(names)
    for measure in published["measures"]:
        assert measure.keys() >= {"name", "value", "unit", "reach", "reached"}
        assert isinstance(measure["value"], int | float)
        assert measure["unit"]
        again = Measure(
            **{name: measure[name] for name in ("name", "value", "unit", "reach", "bound") if name in measure}
        )
        assert measure["reached"] is again.reached
        assert measure["reached"] is True or measure["reach"] is not None


def test_a_function_in_a_process_of_its_own_says_what_it_took():
    event = json.loads((ROOT / "events/console.json").read_text())
    with alone("console", deployment.SETTINGS) as function:
        said = function.invoke(event)
    assert said.response["statusCode"] == 200
    assert 0 < function.imported.peak_mb <= said.peak_mb
    assert said.core_seconds > 0
