"""What a server counts, put together when somebody asks."""

from collections.abc import Mapping

from rollcall.core.errors import ModelNotLoaded
from rollcall.core.figures import ConnectionPool, Figures, ShadowFigures
from rollcall.core.ports import Gallery, ModelStates
from rollcall.workflows.carry_out_switch import CarryOutSwitch
from rollcall.workflows.keep_embedded import KeepEmbedded
from rollcall.workflows.report_health import ReportHealth
from rollcall.workflows.search import Search
from rollcall.workflows.shadow import Shadow


class TakeFigures:
    """Asks the health, which answers within a second whatever hangs, and reads what is in memory."""

    def __init__(
        self,
        *,
        health: ReportHealth,
        models: ModelStates,
        gallery: Gallery,
        search: Search,
        carry_out_switch: CarryOutSwitch,
        keep_embedded: KeepEmbedded,
        shadow: Shadow | None,
        pools: Mapping[str, ConnectionPool],
    ) -> None:
        self._health = health
        self._models = models
        self._gallery = gallery
        self._search = search
        self._carry_out_switch = carry_out_switch
        self._keep_embedded = keep_embedded
        self._shadow = shadow
        self._pools = pools

    async def run(self) -> Figures:
        health, shadow = await self._health.run(), self._shadow
        return Figures(
            status=health.status,
            database_up=health.database_up,
            enrolled_faces=health.enrolled_faces,
            active_model=self._active(),
            loaded_models=tuple(self._models.loaded.values()),
            faces=self._gallery.counts(),
            downloads={name: done for name, (done, _) in self._models.downloads.items()},
            recognitions=dict(self._search.counts),
            switch=self._carry_out_switch.progress,
            embedding=self._keep_embedded.busy,
            pools={name: pool.use for name, pool in self._pools.items()},
            shadow=ShadowFigures(stored=shadow.stored, dropped=shadow.dropped, failed=shadow.failed)
            if shadow
            else None,
        )

    def _active(self) -> str | None:
        try:
            return self._models.active().name
        except ModelNotLoaded:
            return None
