"""What a server's /metrics says, for tests."""

import httpx
from prometheus_client.parser import text_string_to_metric_families


class Scrape:
    """The metrics of one moment."""

    def __init__(self, text: str) -> None:
        self.text = text
        families = list(text_string_to_metric_families(text))
        self.names = [family.name for family in families]
        self.samples = [sample for family in families for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """The sum of all samples of this name that have these labels; 0 where there is none."""
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def labels(self, name: str) -> list[dict[str, str]]:
        return [sample.labels for sample in self.samples if sample.name == name]


def scrape(client: httpx.Client) -> Scrape:
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Scrape(answer.text)


class Difference:
    """How much each metric grew since. Apps of one process count together, so tests look at differences."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._before = scrape(client)

    def value(self, name: str, **labels: str) -> float:
        return scrape(self._client).value(name, **labels) - self._before.value(name, **labels)
