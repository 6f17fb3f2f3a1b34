"""Switches of models, the servers that are up, and what made each model's embeddings."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from db.engine import SqlDatabase
from rollcall.core.models import Fingerprint, Rehearsal, Server, Switch, SwitchKind, SwitchState, SwitchStep
from rollcall.core.records import SHARED
from rollcall.core.shared_settings import SharedSettings
from rollcall.gallery.gallery import FaceGallery
from rollcall.workflows.switch_models import flip
from tests.db.rows import read

REPORT = Rehearsal(
    faces=40, lost=[7, 9], lost_count=2, unread=4, missed=3, probes=30, old_right=29, new_right=28, agreed=27
)


def begin(database: SqlDatabase, target: str = "new") -> int:
    with database.transaction() as records:
        return records.switches.add(SwitchKind.SWITCH, "old", target)


def claim(database: SqlDatabase, owner: str, stale_seconds: int = 60) -> Switch | None:
    return database.run_sync(lambda records: records.switches.claim(owner, stale_seconds=stale_seconds))


def advance(database: SqlDatabase, id: int, owner: str, done: int = 1) -> bool:
    return database.run_sync(
        lambda records: records.switches.advance(id, owner, SwitchStep.EMBEDDING, done, 9)
    )


def end(database: SqlDatabase, id: int, state: SwitchState = SwitchState.DONE) -> bool:
    return database.run_sync(lambda records: records.switches.end(id, state))


def age(database: SqlDatabase, table: str, seconds: int) -> None:
    """As if what is in the table had been written so long ago."""
    with database.connection() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET Seen = Seen - {seconds:d}")


def test_a_switch_begins_without_anybody_at_work_on_it(database: SqlDatabase) -> None:
    with database.transaction() as records:
        assert records.switches.running() is None
        assert records.switches.latest() is None
        id = records.switches.add(SwitchKind.SWITCH, None, "new", forced=True)
        found = records.switches.running()
        assert found is not None
        assert (found.id, found.kind, found.source, found.target) == (id, SwitchKind.SWITCH, None, "new")
        assert (found.state, found.step, found.done, found.total) == (
            SwitchState.RUNNING,
            SwitchStep.WAITING,
            0,
            0,
        )
        assert (found.forced, found.problem, found.rehearsal, found.ended) == (True, None, None, None)
        assert found.begun > 1_700_000_000
        assert records.switches.of(id) == records.switches.latest() == found
        assert records.switches.of(id + 1) is None


def test_a_switch_that_has_ended_is_not_running_and_the_next_one_is(database: SqlDatabase) -> None:
    first = begin(database)
    assert end(database, first)
    with database.transaction() as records:
        assert records.switches.running() is None
    second = begin(database, "newer")
    with database.transaction() as records:
        running, latest = records.switches.running(), records.switches.latest()
    assert running is not None
    assert running == latest
    assert (running.id, running.target) == (second, "newer")


def test_one_of_two_servers_gets_the_switch(database: SqlDatabase) -> None:
    id = begin(database)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda owner: claim(database, owner), ("a", "b")))
    [claimed] = [one for one in found if one is not None]
    assert claimed.id == id


def test_nobody_can_claim_where_nothing_runs(database: SqlDatabase) -> None:
    assert claim(database, "a") is None
    end(database, begin(database))
    assert claim(database, "a") is None


def test_a_server_may_claim_its_own_switch_again(database: SqlDatabase) -> None:
    begin(database)
    assert claim(database, "a") is not None
    assert claim(database, "a") is not None


def test_a_switch_is_taken_over_from_a_server_that_was_not_seen_for_long(database: SqlDatabase) -> None:
    id = begin(database)
    assert claim(database, "a") is not None
    age(database, "RollcallSwitches", 61)
    assert claim(database, "b") is not None
    assert not advance(database, id, "a")
    assert advance(database, id, "b")


def test_a_server_that_advances_is_not_taken_for_gone(database: SqlDatabase) -> None:
    id = begin(database)
    assert claim(database, "a") is not None
    age(database, "RollcallSwitches", 61)
    assert advance(database, id, "a")
    assert claim(database, "b") is None


def test_how_far_a_switch_came_can_be_read_until_it_ends(database: SqlDatabase) -> None:
    id = begin(database)
    assert not advance(database, id, "a")  # nobody's yet
    claim(database, "a")
    assert advance(database, id, "a", done=4)
    with database.transaction() as records:
        found = records.switches.of(id)
    assert found is not None
    assert (found.step, found.done, found.total) == (SwitchStep.EMBEDDING, 4, 9)
    assert end(database, id, SwitchState.CANCELLED)
    assert not advance(database, id, "a", done=5)
    with database.transaction() as records:
        found = records.switches.of(id)
    assert found is not None
    assert (found.state, found.step, found.done) == (SwitchState.CANCELLED, None, 4)
    assert found.ended is not None
    assert found.ended >= found.begun


def test_a_switch_ends_once(database: SqlDatabase) -> None:
    id = begin(database)
    assert end(database, id, SwitchState.CANCELLED)
    assert not end(database, id, SwitchState.DONE)
    with database.transaction() as records:
        found = records.switches.of(id)
    assert found is not None
    assert found.state is SwitchState.CANCELLED


@pytest.mark.parametrize(("problem", "kept"), [("x" * 2000, "x" * 1000), ("Zu groß für 日本 😀", None)])
def test_the_end_tells_the_problem_and_the_rehearsal(
    database: SqlDatabase, problem: str, kept: str | None
) -> None:
    id = begin(database)
    with database.transaction() as records:
        assert records.switches.end(id, SwitchState.FAILED, problem=problem, rehearsal=REPORT)
    with database.transaction() as records:
        found = records.switches.of(id)
    assert found is not None
    assert found.problem == (kept or problem)
    assert found.rehearsal == REPORT


def test_a_report_of_an_older_version_is_counted_and_cut(database: SqlDatabase) -> None:
    id = begin(database)
    end(database, id)
    lost = ", ".join(str(face_id) for face_id in range(130))
    report = f'{{"faces": 200, "lost": [{lost}], "probes": 9, "old_right": 8, "new_right": 7, "agreed": 6}}'
    with database.connection() as connection:
        connection.exec_driver_sql(f"UPDATE RollcallSwitches SET Report = '{report}'")
    with database.transaction() as records:
        found = records.switches.of(id)
    assert found is not None
    assert found.rehearsal == Rehearsal(
        faces=200, lost=list(range(100)), lost_count=130, probes=9, old_right=8, new_right=7, agreed=6
    )


def test_a_flip_is_one_commit_that_every_gallery_hears_of(database: SqlDatabase) -> None:
    gallery = FaceGallery(database, limit=60)
    with database.transaction() as records:
        records.settings.put("next_model", "new")
    gallery.follow()
    with database.transaction() as records:
        before = records.changes.latest()
        flip(records, "old", "new")
        gallery.follow()
        assert gallery.shared == SharedSettings(next_model="new")
    gallery.follow()
    assert gallery.shared == SharedSettings(insightface_model="new", previous_model="old")
    with database.transaction() as records:
        assert records.changes.after(before).changed == frozenset({SHARED})


def test_a_flip_from_nothing_leaves_no_way_back(database: SqlDatabase) -> None:
    with database.transaction() as records:
        flip(records, None, "new")
        assert records.settings.all().previous_model is None


def test_servers_are_up_while_they_are_seen(database: SqlDatabase) -> None:
    with database.transaction() as records:
        records.servers.seen("b", "x", ["x", "y"])
        records.servers.seen("a", "x", [])
        assert records.servers.up(within_seconds=15) == [
            Server(name="a", wanted="x", models=()),
            Server(name="b", wanted="x", models=("x", "y")),
        ]
    age(database, "RollcallServers", 16)
    with database.transaction() as records:
        assert records.servers.up(within_seconds=15) == []
        records.servers.seen("b", "x", ["y"])
        assert records.servers.up(within_seconds=15) == [Server(name="b", wanted="x", models=("y",))]


def test_a_server_that_stops_is_forgotten_and_with_it_those_not_seen_for_long(database: SqlDatabase) -> None:
    with database.transaction() as records:
        records.servers.seen("long gone", "x", [])
    age(database, "RollcallServers", 100)
    with database.transaction() as records:
        for name in ("stops", "stays"):
            records.servers.seen(name, "x", [])
        records.servers.gone("stops", stale_seconds=50)
    assert read(database, "SELECT Name FROM RollcallServers") == [("stays",)]


def test_the_last_fingerprint_of_a_model_counts(database: SqlDatabase) -> None:
    first, second = (Fingerprint(recogniser=digit * 64, dimension=512) for digit in "ab")
    with database.transaction() as records:
        assert records.fingerprints.of("m") is None
        records.fingerprints.put("m", first)
        records.fingerprints.put("other", first)
        records.fingerprints.put("m", second)
    with database.transaction() as records:
        assert records.fingerprints.of("m") == second
        assert records.fingerprints.of("other") == first
        assert records.fingerprints.of("M") is None
