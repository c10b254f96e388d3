"""The Bot API: the one door to aiogram."""
