"""What one would write without Rollcall: FastAPI around InsightFace's FaceAnalysis.

`python -m bench.baseline FOLDER PORT DIMENSIONS default|640`: one worker, a plain endpoint in the thread
pool, ONNX Runtime with its own number of threads, a gallery in memory, no log, no database.
"""

import sys
from typing import Annotated, Any

import cv2
import numpy as np
import uvicorn
from fastapi import FastAPI, File, HTTPException, UploadFile
from insightface.app import FaceAnalysis

ENROLLED = 1000


def create_app(folder: str, dimensions: int, detector_size: tuple[int, int] | None) -> FastAPI:
    """The whole server. Without a detector size FaceAnalysis looks at two sizes of its own choice."""
    analysis = FaceAnalysis(
        name=folder, allowed_modules=["detection", "recognition"], providers=["CPUExecutionProvider"]
    )
    analysis.prepare(ctx_id=-1, det_size=detector_size)
    gallery = np.random.default_rng(1).standard_normal((ENROLLED, dimensions), np.float32)
    gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
    app = FastAPI()

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "healthy"}

    @app.post("/recognize")
    def recognize(image: Annotated[UploadFile, File()]) -> dict[str, Any]:
        pixels = cv2.imdecode(np.frombuffer(image.file.read(), np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            raise HTTPException(400, "not a picture")
        faces = analysis.get(pixels)
        if not faces:
            raise HTTPException(422, "no face")
        largest = max(faces, key=lambda face: _area(face.bbox))
        similarities = gallery @ largest.normed_embedding
        best = int(similarities.argmax())
        return {"person": best, "similarity": float(similarities[best])}

    return app


def _area(box: Any) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


def main(arguments: list[str]) -> None:
    folder, port, dimensions, size = arguments
    app = create_app(folder, int(dimensions), None if size == "default" else (640, 640))
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1:])
