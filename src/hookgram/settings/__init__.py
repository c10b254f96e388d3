"""Every knob, its default and its help; read once, by the composition root and the command line."""

from hookgram.settings.derived import Settings
from hookgram.settings.loading import Place, load, load_place, risks

__all__ = ["Place", "Settings", "load", "load_place", "risks"]
