"""Two models beside each other: the one that answers, and the one that is switched to."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.apart import apart
from bench.packs import BenchPack
from bench.servers import Rollcall
from db.engine import open_database
from rollcall.core.models import SwitchStep
from tests.servers import RollcallServer, wait_for

BEFORE, AFTER = "before", "after"
TITLES = {"scrfd_mbf": "MobileFaceNet", "r50": "50 layers"}


class SwitchFailed(Exception):
    """A switch ended otherwise than it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two packs in one folder, called BEFORE and AFTER: MobileFaceNet, and one to switch to."""

    name: str
    model_dir: Path
    dimensions: int  # of BEFORE


@contextmanager
def pair(name: str) -> Iterator[Pair]:
    """From scrfd_mbf to a pack of bench.packs; to itself under another name costs what any such pack does."""
    packs = {BEFORE: apart(BenchPack, "bench.packs:find_pack", "scrfd_mbf")}
    packs[AFTER] = apart(BenchPack, "bench.packs:find_pack", name)
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
        for link, pack in packs.items():
            (Path(folder) / link).symlink_to(pack.folder)
        yield Pair(name=name, model_dir=Path(folder), dimensions=packs[BEFORE].dimensions)


@dataclass(frozen=True, slots=True, kw_only=True)
class School:
    """A server that answers with BEFORE, and its database; no face has an embedding by AFTER."""

    server: RollcallServer
    url: str
    faces: int

    @property
    def loaded_by_bench(self) -> Rollcall:
        """As bench.measure wants it."""
        return Rollcall(server=self.server, note="")

    def post_switch(self, target: str) -> str:
        """Ask for a switch; returns its state.

        Raises:
            SwitchFailed: it was refused.
        """
        # The rehearsal may object: random weights tell nobody apart, and that is not measured here.
        answer = self.server.client.post("/api/models/switch", json={"model": target, "force": True})
        if answer.status_code not in (200, 202):
            raise SwitchFailed(f"a switch was answered with {answer.status_code}: {answer.text[:300]}")
        return str(answer.json()["switch"]["state"])

    def switch_to(self, target: str, limit: float) -> None:
        """Switch, and wait for the end."""
        self.post_switch(target)
        wait_for(lambda: self._stand()["state"] != "running", "the switch's end", limit)
        if self._stand()["state"] != "done":
            raise SwitchFailed(f"a switch ended with: {self._stand()['problem']}")

    def begin_embedding(self) -> None:
        """Begin to switch to AFTER, and wait until it has read the first pictures or could."""
        self.post_switch(AFTER)
        wait_for(lambda: self._stand()["step"] == SwitchStep.EMBEDDING.value, "the first embedding")

    def cancel(self) -> None:
        """End the switch under way, and delete what it has embedded.

        Raises:
            SwitchFailed: it was over.
        """
        answer = self.server.client.delete("/api/models/switch")
        if answer.status_code != 200:
            raise SwitchFailed("all faces were embedded before the load was over: more must be enrolled")
        database = open_database(self.url, 1)
        try:
            database.run_sync(lambda records: records.faces.prune((BEFORE,), self.faces))
        finally:
            database.close()

    def _stand(self) -> dict[str, str]:
        answer = self.server.client.get("/api/models")
        answer.raise_for_status()
        switch: dict[str, str] = answer.json()["switch"]
        return switch


@contextmanager
def school(of: Pair, faces: int) -> Iterator[School]:
    """Start a server on a new SQLite database with so many faces, by BEFORE; it is ready in the block."""
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/rollcall.db"
        apart(int, "bench.school:enrol_photos", url, BEFORE, of.dimensions, faces)
        settings = {"MODEL_DIR": str(of.model_dir), "INSIGHTFACE_MODEL": BEFORE, "LOG_LEVEL": "WARNING"}
        with RollcallServer(folder, **settings) as server:
            wait_for(lambda: server.health().get("enrolled_faces") == faces, "a full gallery")
            yield School(server=server, url=url, faces=faces)
