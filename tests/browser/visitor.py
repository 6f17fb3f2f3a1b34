"""Somebody before the console, and what the browser complains of meanwhile."""

import base64
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from playwright.sync_api import ConsoleMessage, JSHandle, Locator, Page, expect

# Chromium writes each answer of 4xx and 5xx into its console; those are the server's right answers.
_AN_ANSWER: Final = "Failed to load resource: the server responded with a status of"
_GRAVE: Final = {"serious", "critical"}


class Visitor:
    """A page of the console. `problems` has every error and every breach of the Content-Security-Policy."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.problems: list[str] = []
        self._url = url
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_AN_ANSWER):
            self.problems.append(message.text)

    def open(self, name: str, heading: str | None = None, *, host: str | None = None) -> None:
        """Load a page of the console, such as `people?search=ada`, and wait for its heading.

        `host` is another name of the server, which the browser knows.
        """
        url = self._url.replace("127.0.0.1", host or "127.0.0.1")
        self.page.goto("about:blank")  # else another hash alone is no new visit
        self.page.goto(f"{url}/console/#/{name}")
        title = heading or name.split("?")[0].capitalize()
        expect(self.page.get_by_role("heading", level=1, name=title)).to_be_visible()

    def heading(self, name: str) -> Locator:
        return self.page.get_by_role("heading", name=name)

    def button(self, name: str, *, exact: bool = False) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact)

    def dragged(self, pictures: Mapping[str, bytes]) -> JSHandle:
        """These files on their way to a place where they are dropped: a DataTransfer."""
        return self.page.evaluate_handle(
            """(pictures) => {
                const transfer = new DataTransfer();
                for (const [name, base64] of pictures) {
                    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
                    transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
                }
                return transfer;
            }""",
            [(name, base64.b64encode(content).decode()) for name, content in pictures.items()],
        )

    def overhang(self) -> int:
        """By how many pixels the page is wider than the screen."""
        pixels: int = self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return pixels

    def grave_findings(self) -> list[str]:
        """What axe-core finds that is serious or critical."""
        self.page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text())
        options = json.dumps({"resultTypes": ["violations"]})
        found: list[dict[str, Any]] = self.page.evaluate(f"axe.run({options}).then((all) => all.violations)")
        return [
            f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
            for one in found
            if one["impact"] in _GRAVE
            for node in one["nodes"]
        ]
