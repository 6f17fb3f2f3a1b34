"""What stands in a PromQL expression: names of metrics, their labels, and the labels' values."""

import re
from collections.abc import Collection, Iterator, Mapping

from tests.unit.deploy.metric_names import SERIES, Labels

# Prometheus adds these to each series, or Kubernetes does.
OF_THE_TARGET = {"job", "instance", "namespace", "pod"}
OF_PROMETHEUS: Mapping[str, Labels] = {
    "up": {},
    "ALERTS": {"alertname": None, "alertstate": frozenset({"pending", "firing"}), "severity": None},
}
_NAME = r"(?<![\w:.$])[a-zA-Z_:][\w:]*"
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_WORDS = {"and", "or", "unless", "offset", "bool"}


def names_in(expression: str) -> set[str]:
    """The metrics that an expression reads."""
    rest = _GROUPING.sub(" ", re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", re.sub(r'"[^"]*"', " ", expression)))
    return set(re.findall(rf"{_NAME}(?!\s*\(|[\w:])", rest)) - _WORDS


def faults_of(expression: str, recorded: Collection[str]) -> Iterator[str]:
    """What an expression asks for that no metric has. `recorded` are the names of recording rules."""
    labels = dict[str, frozenset[str] | None]()
    for name in names_in(expression):
        found = _labels_of(name, recorded)
        if found is None:
            yield f"there is no metric {name}"
            return
        labels |= found
        for selector in re.findall(rf"(?<![\w:]){re.escape(name)}\s*\{{([^}}]*)\}}", expression):
            yield from _faults_of_matchers(name, selector, found)
    for _, group in _GROUPING.findall(expression):
        yield from (
            f"no metric of {expression} has the label {label}"
            for label in re.findall(r"\w+", group)
            if label not in labels.keys() | OF_THE_TARGET
        )


def _labels_of(name: str, recorded: Collection[str]) -> Labels | None:
    if name in recorded:
        # Its name says by what it is summed up, in front: route:rollcall_requests:count_10m.
        level = name.partition(":")[0]
        return {} if level.startswith("rollcall_") else {level: None}
    return SERIES.get(name, OF_PROMETHEUS.get(name))


def _faults_of_matchers(name: str, selector: str, labels: Labels) -> Iterator[str]:
    for label, operator, value in _MATCHER.findall(selector):
        if label in OF_THE_TARGET:
            continue
        if label not in labels:
            yield f"{name} has no label {label}"
            continue
        known: Collection[str] | None = labels[label]
        values = value.split("|") if "~" in operator else [value]
        if known is not None:
            yield from (f"{name} has no {label} {one}" for one in values if one not in known)
