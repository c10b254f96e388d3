"""hookgram: the gateway in front of a Telegram bot."""

__version__ = "0.1.0"
