"""Whether a load test kept its limits."""

from bench.verdict import Limits, Measured, judge

LIMITS = Limits(max_p95_ms={"/recognize": 300, "/detect": 500}, max_error_rate=0)


def measured(
    name: str = "/recognize", *, requests: int = 100, failures: int = 0, p95_ms: float = 1
) -> Measured:
    return Measured(name=name, requests=requests, failures=failures, p95_ms=p95_ms)


def test_a_load_within_all_limits_passes() -> None:
    verdict = judge([measured(p95_ms=290), measured("/detect", p95_ms=490)], LIMITS, crashes=0)
    assert not verdict.failed
    assert str(verdict).splitlines() == [
        "p95 of /recognize: 290 ms, limit 300 ms: reached",
        "p95 of /detect: 490 ms, limit 500 ms: reached",
        "error rate: 0 of 200 requests (0 %), limit 0 %: reached",
        "Passed: within all limits.",
    ]


def test_under_means_under() -> None:
    assert judge([measured(p95_ms=300)], LIMITS, crashes=0).failed == ["p95 of /recognize"]


def test_it_says_which_limits_were_passed() -> None:
    verdict = judge([measured(p95_ms=310, failures=1), measured("/detect")], LIMITS, crashes=0)
    assert "p95 of /recognize: 310 ms, limit 300 ms: MISSED" in verdict.lines
    assert "error rate: 1 of 200 requests (0.5 %), limit 0 %: MISSED" in verdict.lines
    assert str(verdict).endswith("FAILED: p95 of /recognize; error rate.")


def test_errors_up_to_the_rate_are_forgiven() -> None:
    limits = Limits(max_p95_ms={}, max_error_rate=0.01)
    assert not judge([measured(failures=1)], limits, crashes=0).failed
    assert judge([measured(failures=2)], limits, crashes=0).failed


def test_errors_of_requests_without_a_limit_count_too() -> None:
    assert judge([measured(), measured("/list", failures=1)], LIMITS, crashes=0).failed == ["error rate"]


def test_what_nobody_asked_for_is_said_and_does_not_fail() -> None:
    verdict = judge([measured()], LIMITS, crashes=0)
    assert "p95 of /detect: nobody asked" in verdict.lines
    assert not verdict.failed


def test_a_load_in_which_nobody_was_recognised_fails() -> None:
    limits = Limits(max_p95_ms={}, max_error_rate=0, recognizing=frozenset({"/recognize", "/scan"}))
    verdict = judge([measured("/health"), measured("/scan", requests=0)], limits, crashes=0)
    assert "recognising: nobody was recognised: MISSED" in verdict.lines
    assert verdict.failed == ["recognising"]
    assert not judge([measured("/health"), measured("/scan")], limits, crashes=0).failed


def test_a_load_without_a_request_fails() -> None:
    assert judge([], LIMITS, crashes=0).failed == ["error rate"]


def test_faults_of_the_load_test_itself_fail() -> None:
    assert judge([measured()], LIMITS, crashes=2).failed == ["the load test itself"]
