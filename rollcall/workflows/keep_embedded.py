"""Every face has the embeddings of the models that are in use, as soon as there is time."""

from rollcall.core.errors import ModelNotLoaded
from rollcall.core.ports import Gallery, Models
from rollcall.workflows.embed_missing import EmbedMissing


class KeepEmbedded:
    """For the model that answers, and for those that answer beside it or are compared with it.

    But not for the one that a switch goes to: the server that carries it out does that.
    """

    def __init__(
        self, *, models: Models, gallery: Gallery, embed: EmbedMissing, further: tuple[str, ...]
    ) -> None:
        self._models = models
        self._gallery = gallery
        self._embed = embed
        self._further = further
        self._complete: set[str] = set()

    @property
    def busy(self) -> bool:
        """Whether embeddings are being made, for a switch included."""
        return self._embed.busy

    def is_complete(self, model: str) -> bool:
        """Whether no face was left without its embedding when last looked for."""
        return model in self._complete

    async def round(self) -> int:
        """Embed what is missing; returns how many faces were tried.

        Raises:
            ModelNotLoaded, Overloaded, DatabaseError: try again later.
        """
        try:
            active = [self._models.active().name]
        except ModelNotLoaded:
            active = []
        tried = 0
        for model in filter(self._is_right, dict.fromkeys([*active, *self._further])):
            if model == self._gallery.shared.next_model:
                continue
            count = await self._embed.all(model)
            tried += count
            if count:
                self._complete.discard(model)
            else:
                self._complete.add(model)
        return tried

    def _is_right(self, model: str) -> bool:
        """Whether it is loaded, and known to be the one that made the embeddings of its name."""
        found = self._models.named(model)
        return found is not None and found.checked
