"""The metrics that Rollcall has, by which rules and dashboards are checked."""

from collections.abc import Mapping
from typing import Final, TypeAlias

# Each label with the values that it can have, or None where they are names of models, routes, codes, ...
Labels: TypeAlias = Mapping[str, frozenset[str] | None]

FREE: Final = None
FOUND: Final = frozenset({"match", "no_match"})
JUDGED: Final = frozenset({"true_match", "false_match", "true_non_match", "false_non_match"})
KINDS: Final = frozenset({"recognize", "recognize_all", "scan"})
POOLS: Final = frozenset({"requests", "recognition", "health"})
STEPS: Final = frozenset({"decode", "detect", "align", "embed", "search", "database"})

COUNTERS_AND_GAUGES: Final[Mapping[str, Labels]] = {
    "rollcall_requests_total": {"route": FREE, "method": FREE, "status": FREE},
    "rollcall_requests_in_flight": {},
    "rollcall_queue_depth": {},
    "rollcall_runner_queue_depth": {},
    "rollcall_recognition_outcomes_total": {"kind": KINDS, "outcome": FOUND | {"no_face"}},
    "rollcall_recognitions_total": {"model": FREE, "matched_by": FREE},
    "rollcall_gallery_faces": {"model": FREE},
    "rollcall_enrolled_faces": {},
    "rollcall_model_active": {"model": FREE},
    "rollcall_model_info": {"model": FREE, "backend": FREE, "dimension": FREE},
    "rollcall_health_status": {"status": frozenset({"healthy", "degraded", "unhealthy"})},
    "rollcall_database_up": {},
    "rollcall_download_bytes": {"model": FREE},
    "rollcall_switch_faces": {"model": FREE},
    "rollcall_switch_faces_done": {"model": FREE},
    "rollcall_jobs_running": {"kind": frozenset({"switch", "embed", "download", "import"})},
    "rollcall_database_connections_in_use": {"pool": POOLS},
    "rollcall_database_connections_max": {"pool": POOLS},
    "rollcall_process_memory_bytes": {"process": frozenset({"supervisor", "api", "runner"})},
    "rollcall_errors_total": {"code": FREE},
    "rollcall_feedback_total": {"model": FREE, "outcome": JUDGED},
    "rollcall_import_rows_total": {"outcome": frozenset({"enrolled", "skipped", "failed", "duplicate"})},
    "rollcall_build_info": {"version": FREE},
    "rollcall_shadow_comparisons_total": {"outcome": frozenset({"stored", "dropped", "failed"})},
}
HISTOGRAMS: Final[Mapping[str, Labels]] = {
    "rollcall_request_duration_seconds": {"route": FREE},
    "rollcall_step_duration_seconds": {"step": STEPS},
    "rollcall_batch_size": {},
    "rollcall_similarity": {"model": FREE, "outcome": FOUND},
}
SERIES: Final[Mapping[str, Labels]] = {
    **COUNTERS_AND_GAUGES,
    **{f"{name}_bucket": {**labels, "le": FREE} for name, labels in HISTOGRAMS.items()},
    **{f"{name}_{part}": labels for name, labels in HISTOGRAMS.items() for part in ("sum", "count")},
}
