"""The chats the store knows by rule (see ``ports.ChatBook``): each function in one transaction."""

from __future__ import annotations

from hookgram.core.access import Chats
from hookgram.store.sqlite.transaction import Transaction, View


def authorise(tx: Transaction, chat_id: int) -> bool:
    """Admit a chat; it is no refused one any more."""
    tx.write("forget_refused_chat", {"chat_id": chat_id})
    return bool(tx.write("authorise_chat", {"chat_id": chat_id, "now": tx.now}))


def withdraw(tx: Transaction, chat_id: int) -> bool:
    """Take an authorisation back."""
    return bool(tx.write("withdraw_chat", {"chat_id": chat_id}))


def move(tx: Transaction, chat_id: int, former: int) -> None:
    """Remember the id a chat had."""
    tx.write("move_chat", {"chat_id": chat_id, "former": former, "now": tx.now})


def chats(view: View) -> Chats:
    """Read all of them."""
    former: dict[int, tuple[int, ...]] = {}
    for chat_id, one in view.rows("moved_chats"):
        former[chat_id] = (*former.get(chat_id, ()), one)
    authorised = frozenset(chat_id for (chat_id,) in view.rows("authorised_chats"))
    return Chats(authorised=authorised, former=former)
