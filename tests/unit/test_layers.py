"""Imports point one way.

service.py, cli → api → workflows → core ← runners, db, gallery, modelstore, archive, importing, telemetry.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = "rollcall.core"
OUTSIDE = {"service", "rollcall.compose", "rollcall.serving", "rollcall.cli"}  # they put everything together

MAY_IMPORT: dict[str, set[str]] = {
    "rollcall": set(),
    "rollcall.core": set(),
    "rollcall.telemetry": {CORE},
    "rollcall.workflows": {CORE},
    "rollcall.gallery": {CORE},
    "rollcall.archive": {CORE},
    "rollcall.importing": {CORE},
    "rollcall.modelstore": {CORE},
    "runners": {CORE},
    "db": {CORE},
    "rollcall.api": {"rollcall", "rollcall.workflows", CORE},
}
ONLY_IMPORTER: dict[str, str] = {
    **dict.fromkeys(("cv2", "PIL", "onnxruntime", "openvino", "onnx", "insightface", "dlib"), "runners"),
    **dict.fromkeys(("sqlalchemy", "pymysql", "sqlite3"), "db"),
    **dict.fromkeys(("nacl", "tarfile"), "rollcall.archive"),
    **dict.fromkeys(("fastapi", "starlette", "limits"), "rollcall.api"),
    **dict.fromkeys(("prometheus_client", "opentelemetry", "pythonjsonlogger"), "rollcall.telemetry"),
}


def sources() -> list[Path]:
    folders = [ROOT / name for name in ("rollcall", "runners", "db")]
    return [ROOT / "service.py", *(path for folder in folders for path in sorted(folder.rglob("*.py")))]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module: str) -> str:
    """The longest known package that the module lies in."""
    known = [name for name in (*MAY_IMPORT, *OUTSIDE) if module == name or module.startswith(f"{name}.")]
    return max(known, key=len)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_imports_point_down(path: Path) -> None:
    layer = layer_of(module_of(path))
    for name in imports(path):
        if layer in OUTSIDE or name.split(".")[0] not in ("rollcall", "runners", "db", "service"):
            continue
        assert layer_of(name) in MAY_IMPORT[layer] | {layer}, f"{layer} must not import {name}"


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_a_library_belongs_to_one_layer(path: Path) -> None:
    layer = layer_of(module_of(path))
    for name in imports(path):
        owner = ONLY_IMPORTER.get(name.split(".")[0])
        assert owner is None or layer == owner or layer in OUTSIDE, f"only {owner} may import {name}"


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_the_environment_is_read_in_the_settings_alone(path: Path) -> None:
    text = path.read_text()
    if module_of(path) == "service":
        text = text.replace('os.environ["FORWARDED_ALLOW_IPS"] = ', "")
    assert "os.environ" not in text
    assert "getenv" not in text
