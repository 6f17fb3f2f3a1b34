"""How a server stands, put together when somebody asks."""

from collections.abc import Mapping

from rollcall.core.errors import ModelNotLoaded
from rollcall.core.figures import ConnectionPool, Figures
from rollcall.core.ports import Gallery, ModelStates
from rollcall.workflows.carry_out_imports import CarryOutImports
from rollcall.workflows.carry_out_switch import CarryOutSwitch
from rollcall.workflows.keep_embedded import KeepEmbedded
from rollcall.workflows.report_health import ReportHealth


class TakeFigures:
    """Asks the health, which answers within a second whatever hangs, and reads what is in memory."""

    def __init__(
        self,
        *,
        health: ReportHealth,
        models: ModelStates,
        gallery: Gallery,
        carry_out_switch: CarryOutSwitch,
        carry_out_imports: CarryOutImports,
        keep_embedded: KeepEmbedded,
        pools: Mapping[str, ConnectionPool],
    ) -> None:
        self._health = health
        self._models = models
        self._gallery = gallery
        self._carry_out_switch = carry_out_switch
        self._carry_out_imports = carry_out_imports
        self._keep_embedded = keep_embedded
        self._pools = pools

    async def run(self) -> Figures:
        health = await self._health.run()
        return Figures(
            status=health.status,
            database_up=health.database_up,
            enrolled_faces=health.enrolled_faces,
            active_model=self._active(),
            loaded_models=tuple(self._models.loaded.values()),
            faces=self._gallery.counts(),
            downloads={name: done for name, (done, _) in self._models.downloads.items()},
            switch=self._carry_out_switch.progress,
            embedding=self._keep_embedded.busy,
            importing=self._carry_out_imports.running,
            pools={name: pool.use for name, pool in self._pools.items()},
        )

    def _active(self) -> str | None:
        try:
            return self._models.active().name
        except ModelNotLoaded:
            return None
