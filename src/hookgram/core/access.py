"""Whose updates are taken."""

from __future__ import annotations

from msgspec import Struct


class Access(Struct, frozen=True, kw_only=True):
    """The access rules: everybody, or the chats that are authorised."""

    public: bool = False
    authorised: frozenset[int] = frozenset()

    def admits(self, chat_id: int | None, user_id: int | None) -> bool:
        """Tell whether an update of this chat, else of this user, is taken; one of neither is."""
        if self.public:
            return True
        who = user_id if chat_id is None else chat_id
        return who is None or who in self.authorised
