"""What a server counts, put together when somebody asks."""

from rollcall.core.errors import ModelNotLoaded
from rollcall.core.figures import Figures, ShadowFigures
from rollcall.core.ports import Gallery, ModelStates
from rollcall.workflows.carry_out_switch import CarryOutSwitch
from rollcall.workflows.search import Search
from rollcall.workflows.shadow import Shadow


class TakeFigures:
    """Reads what is in memory; never waits."""

    def __init__(
        self,
        *,
        models: ModelStates,
        gallery: Gallery,
        search: Search,
        carry_out_switch: CarryOutSwitch,
        shadow: Shadow | None,
    ) -> None:
        self._models = models
        self._gallery = gallery
        self._search = search
        self._carry_out_switch = carry_out_switch
        self._shadow = shadow

    def run(self) -> Figures:
        shadow = self._shadow
        return Figures(
            active_model=self._active(),
            loaded_models=tuple(self._models.loaded),
            faces=self._gallery.counts(),
            downloads={name: done for name, (done, _) in self._models.downloads.items()},
            recognitions=dict(self._search.counts),
            switch=self._carry_out_switch.progress,
            shadow=ShadowFigures(stored=shadow.stored, dropped=shadow.dropped, failed=shadow.failed)
            if shadow
            else None,
        )

    def _active(self) -> str | None:
        try:
            return self._models.active().name
        except ModelNotLoaded:
            return None
