"""What runs: ``Gateway`` builds and owns it all; ``serve`` and ``application`` serve it."""

from hookgram.app.gateway import Gateway
from hookgram.app.serving import application, serve

__all__ = ["Gateway", "application", "serve"]
