"""What the gateway needs from outside, in its own words: small Protocols, by consumer.

Every method of a store is one transaction (or a bounded number of them, where it says so): all of
it happens or none. A store reads its own clock; leases and due-ness are judged by nothing else.
Any method may raise ``StoreUnavailable`` (nothing was changed, try later) or ``StoreBroken`` (stop
the process). A cancelled call leaves nothing half done.
"""

from hookgram.ports.ambient import Clock, Dice, Notice
from hookgram.ports.books import ChatBook, TargetBook, WebhookBook
from hookgram.ports.channel import Channel
from hookgram.ports.journal import Journal
from hookgram.ports.move import MoveDestination, MoveSource
from hookgram.ports.queue import Duties, Inbox, Queue, Upkeep
from hookgram.ports.store import Store

__all__ = [
    "Channel",
    "ChatBook",
    "Clock",
    "Dice",
    "Duties",
    "Inbox",
    "Journal",
    "MoveDestination",
    "MoveSource",
    "Notice",
    "Queue",
    "Store",
    "TargetBook",
    "Upkeep",
    "WebhookBook",
]
