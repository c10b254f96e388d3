"""Re-exports the application, because ``uvicorn app.main:app`` is documented."""

from hookgram.asgi import app

__all__ = ["app"]
