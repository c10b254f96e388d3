"""The HTTP side: Telegram's endpoint as a plain ASGI callable, everything else in FastAPI."""
