"""Every knob, its default and its help; read once, by the composition root and the command line."""

from hookgram.settings.knobs import Settings
from hookgram.settings.loading import load, risks

__all__ = ["Settings", "load", "risks"]
