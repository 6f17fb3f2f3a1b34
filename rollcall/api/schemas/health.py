"""GET /api/health."""

from pydantic import BaseModel, Field

from rollcall import __version__
from rollcall.core.calibration import CalibrationSource
from rollcall.core.figures import HealthStatus
from rollcall.workflows.report_health import Health


class HealthOut(BaseModel):
    status: HealthStatus = Field(
        description="healthy; degraded: the fallback engine answers, or faces wait for their embedding; "
        "unhealthy: no model can answer, or the database is unreachable.",
        examples=["healthy"],
    )
    message: str = Field(description="Why.", examples=["The service is ready."])
    enrolled_faces: int = Field(description="How many faces are enrolled.", examples=[412])
    model_loaded: bool = Field(description="Whether a model can answer.", examples=[True])
    similarity_threshold: float | None = Field(
        description="Least similarity of a match; null while no model is loaded.", examples=[0.6]
    )
    calibration: CalibrationSource | None = Field(
        description="Where the curve behind confidence, and the threshold of SIMILARITY_THRESHOLD=auto, come "
        "from. stored: by rollcall evaluate; built-in: made for this very model; generic: the same for all "
        "packs without one of their own. null while no model is loaded.",
        examples=["generic"],
    )
    model: str | None = Field(
        description="The model that answers; null while none is loaded.", examples=["buffalo_l"]
    )
    backend: str | None = Field(description="What runs the model.", examples=["onnxruntime"])
    database: str = Field(description="The kind of database.", examples=["mysql"])
    version: str = Field(description="Rollcall's version.", examples=[__version__])

    @classmethod
    def of(cls, health: Health) -> "HealthOut":
        model = health.model
        return cls(
            status=health.status,
            message=health.message,
            enrolled_faces=health.enrolled_faces,
            model_loaded=model is not None,
            similarity_threshold=model.min_similarity if model else None,
            calibration=model.calibration.source if model else None,
            model=model.name if model else None,
            backend=model.backend if model else None,
            database=health.database,
            version=__version__,
        )
