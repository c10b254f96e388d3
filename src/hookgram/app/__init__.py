"""What runs: ``Gateway`` builds and owns it all; ``serve`` and ``application`` serve it."""

from hookgram.app.gateway import Gateway, wall_clock
from hookgram.app.serving import EXIT_IO, application, serve

__all__ = ["EXIT_IO", "Gateway", "application", "serve", "wall_clock"]
