"""Which of the loaded models answers: the one that is wanted as soon as it can, another until then."""

from collections.abc import Callable, Mapping

from rollcall.core.calibration import Calibrations
from rollcall.core.errors import ModelNotLoaded
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.models import ActiveModel, LoadedModel
from rollcall.core.shared_settings import SharedSettings
from rollcall.modelstore.choice import ModelChoice


class AnsweringModels:
    """Implements core.ports.ModelStates. The keeper, which inherits it, loads and frees."""

    def __init__(
        self,
        *,
        choice: ModelChoice,
        calibrations: Callable[[], Calibrations],
        shared: Callable[[], SharedSettings],
    ) -> None:
        self._choice = choice
        self._calibrations = calibrations
        self._shared = shared
        self._loaded: dict[str, LoadedModel] = {}
        self._unchecked: set[str] = set()
        self._problems: dict[str, str] = {}
        self._downloads: dict[str, tuple[int, int | None]] = {}
        self._former: str | None = None  # what answered last

    @property
    def wanted(self) -> str:
        """The model that is to answer."""
        return self._shared().insightface_model or self._choice.name

    @property
    def loaded(self) -> Mapping[str, LoadedModel]:
        """What is in the runner's memory, as far as this process knows."""
        return self._loaded

    @property
    def problems(self) -> Mapping[str, str]:
        """Why models that are wanted are not loaded."""
        return self._problems

    @property
    def downloads(self) -> Mapping[str, tuple[int, int | None]]:
        """Bytes that are there, and all of them where that is known, of what is being downloaded."""
        return self._downloads

    def active(self) -> ActiveModel:
        """See core.ports.Models."""
        name = self._answering()
        model = None if name is None else self.named(name)
        if model is None:
            raise ModelNotLoaded(self._problem())
        self._former = model.name
        return model

    def named(self, name: str) -> ActiveModel | None:
        """See core.ports.Models."""
        loaded = self._loaded.get(name)
        if loaded is None:
            return None
        # Asked each time: a calibration or a threshold may be stored while the model answers.
        calibration = self._calibrations().of(name)
        stands_in = name not in (self.wanted, *self._choice.further)
        return ActiveModel(
            name=name,
            backend=loaded.backend,
            min_similarity=self._choice.threshold(name, calibration, self._shared(), stands_in=stands_in),
            calibration=calibration,
            checked=name not in self._unchecked,
        )

    def why_degraded(self) -> str | None:
        """Why another model than the wanted one answers, or why that one may not embed yet; None if all is
        well with it, or none answers at all."""
        name = self._answering()
        if name in self._unchecked:
            return f"The files of {name} must yet be compared with those of its embeddings."
        if name is None or name == self.wanted:
            return None
        which = "fallback engine" if name == FALLBACK_MODEL else "former model"
        return f"The {which} {name} answers: {self._problem()}"

    def _answering(self) -> str | None:
        names = (self.wanted, self._former, self._shared().previous_model, FALLBACK_MODEL)
        return next((name for name in names if name in self._loaded), None)

    def _problem(self) -> str:
        name = self.wanted
        if name in self._downloads:
            done, total = self._downloads[name]
            share = f", {100 * done // total} %" if total else ""
            return f"{name} is being downloaded{share}."
        return self._problems.get(name, f"{name} is still loading.")
