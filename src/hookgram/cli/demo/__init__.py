"""``hookgram demo``: the real gateway between a simulated Telegram and three sample targets."""
