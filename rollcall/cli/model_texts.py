"""What `rollcall models` says of models and of switches."""

from collections.abc import Iterator

from rollcall.core.counted import counted
from rollcall.core.models import ModelList, Rehearsal, StoredModel, Switch, SwitchState


def table(found: ModelList) -> Iterator[str]:
    """A line for each model, and how far a switch is."""
    yield f"{'MODEL':<20}{'STATE':<12}{'FILES':<10}{'SERVERS':>8}{'FACES':>8}{'THRESHOLD':>11}  LICENCE"
    for entry in found.models:
        name = entry.stored.name
        servers = sum(name in server.models for server in found.servers)
        yield (
            f"{name:<20}{_state(name, found):<12}{files(entry.stored):<10}{servers:>8}{entry.faces:>8}"
            f"{entry.operating_point:>11.3f}  {entry.stored.licence}"
        )
    if found.left_faces:
        left = counted(found.left_faces, "face has", "faces have")
        yield f"{left} no embedding by {found.wanted}: see `rollcall models left`."
    if (switch := found.switch) is not None and switch.running:
        yield f"Switching to {switch.target}: {switch.step}, {switch.done} of {switch.total}."


def files(stored: StoredModel) -> str:
    """Whether a model's files are there, and whose they are."""
    return (stored.verified or "built in") if stored.present else "absent"


def _state(name: str, found: ModelList) -> str:
    states = {found.previous: "way back", found.next: "next", found.wanted: "active"}
    if name == found.wanted and found.servers and not any(name in server.models for server in found.servers):
        return "not loaded"
    return states.get(name, "")


def ended(switch: Switch) -> Iterator[str]:
    """How a switch went."""
    if switch.rehearsal is not None:
        yield from _rehearsed(switch.rehearsal, switch)
    match switch.state:
        case SwitchState.DONE:
            yield f"{switch.target} answers."
        case SwitchState.CANCELLED:
            yield "The switch was cancelled."
        case _:
            yield f"The switch failed: {switch.problem}"


def _rehearsed(rehearsal: Rehearsal, switch: Switch) -> Iterator[str]:
    faces = counted(rehearsal.faces, "face has", "faces have")
    lost = counted(rehearsal.lost_count, "is lost", "are lost")
    yield f"{faces} an embedding by {switch.target}; {lost}."
    if rehearsal.missed:
        yield f"In the images of {rehearsal.missed} more it finds no face; {switch.source} knows them."
    agreement = rehearsal.rank1_agreement
    if agreement is None:
        yield "Nobody has several faces, so the models could not be compared."
        return
    probes = rehearsal.probes
    yield (
        f"Of {probes} faces of people with several, {rehearsal.old_right} are found among all others by "
        f"{switch.source}, {rehearsal.new_right} by {switch.target}; rank-1 agreement {agreement:.1%}."
    )
