"""How the cost of metrics, logs and limits is worked out and told."""

import json
from pathlib import Path

from bench.apart import apart
from bench.costs import compared, shuffled
from bench.layers import CONTROL, Overhead, Variant, variants_of
from bench.overhead import markdown, total

EVERYTHING = [100.0, 110.0, 90.0, 100.0, 300.0]
NOTHING = [70.0, 70.0, 70.0, 70.0, 70.0]


def overhead(lines: float = 1) -> Overhead:
    costs = compared({"everything": EVERYTHING, CONTROL: EVERYTHING, "all of it": NOTHING})
    return Overhead(costs={"a list": costs}, lines={"a list": lines}, middlewares=[])


def told(*, carrying: float = 20, busy: float = 0.1) -> str:
    return markdown(overhead(), carrying=carrying, busy=busy, how="So.")


def test_each_round_has_every_variant_in_an_order_of_its_own() -> None:
    rounds = list(shuffled("abcdefgh", 5))
    assert all(sorted(each) == list("abcdefgh") for each in rounds)
    assert len({tuple(each) for each in rounds}) == 5


def test_one_variant_more_has_everything_as_the_first_has() -> None:
    everything, control, *_ = variants_of(["Access"])
    assert control.name == CONTROL
    assert control == Variant(name=CONTROL)
    assert everything == Variant(name=everything.name)


def test_what_is_saved_is_compared_round_by_round_with_its_spread() -> None:
    *_, cost = overhead().costs["a list"]
    assert (cost.all_in, cost.saved, cost.low, cost.high) == (70, 30, 30, 40)


def test_the_spread_and_the_error_of_measurement_are_told() -> None:
    assert "\n| all of it | 70 | +30 (+30 to +40) |" in told()
    assert f"\n| {CONTROL} | 100 | +0 (+0 to +0) |" in told()


def test_log_lines_in_the_supervisor_count_as_often_as_they_are_written() -> None:
    assert total(overhead(lines=2), "a list", carrying=20) == 30 + 2 * 20
    assert "| < 1 ms | 0.05 ms | reached |" in told()
    assert "| < 1 ms | 1.03 ms | **missed** |" in told(carrying=1000)


def test_a_busy_machine_is_warned_of() -> None:
    assert "**Something else ran on this machine: the load average before was 0.51.**" in told(busy=0.51)
    assert "Something else ran" not in told(busy=0.5)


def test_the_supervisor_takes_time_for_a_line(tmp_path: Path) -> None:
    written, out = tmp_path / "server.log", tmp_path / "carried.log"
    lines = [json.dumps({"number": number}) for number in range(3)]
    written.write_text("".join(f"{line}\n" for line in lines))
    assert 0.1 < apart(float, "bench.carrying:measure", written, out, 30) < 100_000
    assert out.read_text().splitlines() == lines * 10
