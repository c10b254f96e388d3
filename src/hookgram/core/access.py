"""Whose updates are taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct, field


class Chats(Struct, frozen=True, kw_only=True):
    """What was learned of chats at run time.

    ``authorised`` were admitted by a command. ``former`` holds, by the id that a supergroup has
    now, the ids it had as a group.
    """

    authorised: frozenset[int] = frozenset()
    former: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def before(self, chat_id: int | None) -> Collection[int]:
        """Return the ids that a chat had before."""
        return self.former.get(chat_id, ()) if chat_id is not None else ()


class Access(Struct, frozen=True, kw_only=True):
    """The access rules: everybody, or the chats that are authorised."""

    public: bool = False
    authorised: frozenset[int] = frozenset()

    def admits(self, chat_id: int | None, user_id: int | None, chats: Chats | None = None) -> bool:
        """Tell whether an update of this chat, else of this user, is taken; one of neither is.

        What was learned of *chats* counts as the rules do.
        """
        if self.public:
            return True
        who = user_id if chat_id is None else chat_id
        if who is None or who in self.authorised:
            return True
        if chats is None:
            return False
        named = self.authorised | chats.authorised if chats.authorised else self.authorised
        return who in named or not named.isdisjoint(chats.before(chat_id))
