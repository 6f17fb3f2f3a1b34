"""/api/models: which models there are, and changing the one that answers."""

from datetime import UTC, datetime

from pydantic import BaseModel, Field

from rollcall.api.schemas.common import Code, SchemaIn, SchemaOut, TypeOfPerson
from rollcall.core.models import (
    LeftFace,
    ModelEntry,
    ModelList,
    Rehearsal,
    Switch,
    SwitchKind,
    SwitchState,
    SwitchStep,
)


class ModelOut(BaseModel):
    """A model that is there or could be downloaded."""

    name: str = Field(description="The name of its folder in MODEL_DIR.", examples=["buffalo_l"])
    known: bool = Field(description="Whether it is one of the official packs.", examples=[True])
    present: bool = Field(description="Whether its files are in MODEL_DIR.", examples=[True])
    verified: str | None = Field(
        description="official: the files are the official ones; altered: they have an official name only; "
        "unknown: nothing is known of them; null: there are none.",
        examples=["official"],
    )
    loaded: bool = Field(description="Whether it is in memory.", examples=[True])
    active: bool = Field(description="Whether it answers.", examples=[True])
    licence: str = Field(description="What its authors allow.", examples=["non-commercial research only"])
    dimension: int | None = Field(description="Numbers of an embedding, where known.", examples=[512])
    backend: str | None = Field(description="What runs it; null if it is not loaded.", examples=["openvino"])
    operating_point: float = Field(
        description="Least similarity of a match by its calibration.", examples=[0.4]
    )
    faces: int = Field(description="How many faces have an embedding by it.", examples=[412])
    downloaded: int | None = Field(
        description="Per cent of its archive, while it is being downloaded; -1 where the length is unknown.",
        examples=[None],
    )
    problem: str | None = Field(description="Why it is not loaded, if it should be.", examples=[None])

    @classmethod
    def of(cls, entry: ModelEntry) -> "ModelOut":
        stored = entry.stored
        return cls(
            name=stored.name,
            known=stored.downloadable,
            present=stored.present,
            verified=stored.verified,
            loaded=entry.loaded,
            active=entry.active,
            licence=stored.licence,
            dimension=entry.dimension,
            backend=entry.backend,
            operating_point=entry.operating_point,
            faces=entry.faces,
            downloaded=entry.downloaded,
            problem=entry.problem,
        )


class RehearsalOut(BaseModel):
    """What came of asking the gallery with its own faces before anything was switched."""

    faces: int = Field(description="Faces with an embedding by the new model.", examples=[412])
    not_found: list[int] = Field(
        description="FaceData Ids of the first 100 that do not find themselves.", examples=[[]]
    )
    not_found_count: int = Field(description="How many these are in all.", examples=[0])
    missed: int = Field(
        description="Faces that the old model knows and in whose image the new one finds none.", examples=[0]
    )
    probes: int = Field(
        description="Faces of persons with several, each looked for among all others.", examples=[230]
    )
    old_rank1: int = Field(description="How many found their person first by the old.", examples=[229])
    new_rank1: int = Field(description="The same by the new model.", examples=[230])
    rank1_agreement: float | None = Field(
        description="Share of these that found the same person by both; null without such faces.",
        examples=[0.9957],
    )

    @classmethod
    def of(cls, rehearsal: Rehearsal) -> "RehearsalOut":
        agreement = rehearsal.rank1_agreement
        return cls(
            faces=rehearsal.faces,
            not_found=list(rehearsal.lost),
            not_found_count=rehearsal.lost_count,
            missed=rehearsal.missed,
            probes=rehearsal.probes,
            old_rank1=rehearsal.old_right,
            new_rank1=rehearsal.new_right,
            rank1_agreement=None if agreement is None else round(agreement, 4),
        )


_SWITCH_EXAMPLE = {
    "id": 3,
    "kind": "switch",
    "source": "buffalo_l",
    "target": "antelopev2",
    "state": "running",
    "step": "embedding",
    "done": 120,
    "total": 412,
    "problem": None,
    "rehearsal": None,
    "begun": "2026-01-05T07:00:00Z",
    "ended": None,
}


class SwitchOut(BaseModel):
    """A change of the model that answers."""

    id: int = Field(description="Its number.", examples=[3])
    kind: SwitchKind = Field(description="switch, or rollback to the model before.", examples=["switch"])
    source: str | None = Field(description="The model before.", examples=["buffalo_l"])
    target: str = Field(description="The model after.", examples=["antelopev2"])
    state: SwitchState = Field(description="running, done, failed or cancelled.", examples=["running"])
    step: SwitchStep | None = Field(description="What it is at; null at its end.", examples=["embedding"])
    done: int = Field(description="Faces that have been gone through.", examples=[120])
    total: int = Field(description="Faces that there are.", examples=[412])
    problem: str | None = Field(description="Why it failed.", examples=[None])
    rehearsal: RehearsalOut | None = Field(description="Known at the end.", examples=[None])
    begun: datetime = Field(description="When, in UTC.", examples=["2026-01-05T07:00:00Z"])
    ended: datetime | None = Field(description="When, in UTC; null while it runs.", examples=[None])

    @classmethod
    def of(cls, switch: Switch) -> "SwitchOut":
        return cls(
            id=switch.id,
            kind=switch.kind,
            source=switch.source,
            target=switch.target,
            state=switch.state,
            step=switch.step,
            done=switch.done,
            total=switch.total,
            problem=switch.problem,
            rehearsal=RehearsalOut.of(switch.rehearsal) if switch.rehearsal else None,
            begun=datetime.fromtimestamp(switch.begun, UTC),
            ended=None if switch.ended is None else datetime.fromtimestamp(switch.ended, UTC),
        )


class ServerOut(BaseModel):
    """A server of this database that is up."""

    name: str = Field(description="Another at each start.", examples=["5f0c6a1e"])
    loaded: list[str] = Field(description="The models in its memory.", examples=[["buffalo_l"]])


class ModelsOut(SchemaOut):
    active: str | None = Field(description="The model that answers, if one can.", examples=["buffalo_l"])
    wanted: str = Field(description="The model that is to answer.", examples=["buffalo_l"])
    previous: str | None = Field(description="The way back, if there is one.", examples=[None])
    next: str | None = Field(description="What the switch under way goes to.", examples=["antelopev2"])
    models: list[ModelOut] = Field(
        description="Every model that is there or could be downloaded.",
        examples=[
            [
                {
                    "name": "buffalo_l",
                    "known": True,
                    "present": True,
                    "verified": "official",
                    "loaded": True,
                    "active": True,
                    "licence": "non-commercial research only",
                    "dimension": 512,
                    "backend": "openvino",
                    "operating_point": 0.4,
                    "faces": 412,
                    "downloaded": None,
                    "problem": None,
                }
            ]
        ],
    )
    switch: SwitchOut | None = Field(description="The last one.", examples=[_SWITCH_EXAMPLE])
    servers: list[ServerOut] = Field(
        description="Servers of this database.",
        examples=[[{"name": "5f0c6a1e", "loaded": ["buffalo_l"]}]],
    )
    left_faces: int = Field(
        description="Faces without an embedding by the wanted model; GET /api/models/left lists them.",
        examples=[0],
    )

    @classmethod
    def of(cls, found: ModelList) -> "ModelsOut":
        return cls(
            active=found.active,
            wanted=found.wanted,
            previous=found.previous,
            next=found.next,
            models=[ModelOut.of(entry) for entry in found.models],
            switch=SwitchOut.of(found.switch) if found.switch else None,
            servers=[ServerOut(name=server.name, loaded=list(server.models)) for server in found.servers],
            left_faces=found.left_faces,
        )


class SwitchIn(SchemaIn):
    """The model that is to answer."""

    model: str = Field(description="Its name in GET /api/models.", examples=["antelopev2"], max_length=64)
    force: bool = Field(
        default=False,
        description="Switch even if faces would be lost, or a server cannot load the model.",
        examples=[False],
    )


class SwitchedOut(SchemaOut):
    message: str = Field(description="How it stands.", examples=["antelopev2 answers."])
    switch: SwitchOut = Field(description="The switch.", examples=[_SWITCH_EXAMPLE])

    @classmethod
    def of(cls, switch: Switch) -> "SwitchedOut":
        return cls(message=_told(switch), switch=SwitchOut.of(switch))


def _told(switch: Switch) -> str:
    match switch.state:
        case SwitchState.DONE:
            return f"{switch.target} answers."
        case SwitchState.RUNNING:
            return f"{switch.target} is being prepared; the running model answers until then."
        case SwitchState.CANCELLED:
            return "The switch is cancelled."
        case SwitchState.FAILED:
            return f"The switch failed: {switch.problem}"


class LeftFaceOut(BaseModel):
    """A face that the model cannot know."""

    id: int = Field(description="The FaceData Id.", examples=[17])
    person_type: TypeOfPerson
    person_code: Code
    reason: str = Field(
        description="NO_IMAGE: enrol the person anew; WAITING: its turn comes; else its image's error.",
        examples=["NO_IMAGE"],
    )

    @classmethod
    def of(cls, left: LeftFace) -> "LeftFaceOut":
        return cls(
            id=left.face_id, person_type=left.person.type, person_code=left.person.code, reason=left.reason
        )


class LeftOut(SchemaOut):
    faces: list[LeftFaceOut] = Field(
        description="A page of them, in order of Id. They are recognised by the model that they have.",
        examples=[[{"id": 17, "person_type": "student", "person_code": "S001", "reason": "NO_IMAGE"}]],
    )
    total_count: int = Field(description="How many there are.", examples=[1])
