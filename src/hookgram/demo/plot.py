"""What happens when in the demo, as plain numbers over time."""

from __future__ import annotations

from msgspec import Struct

DOWN_FROM, DOWN_UNTIL = 0.25, 0.45
"""Shares of the play."""

CALM = 0.1
"""The pace after the first play, as a share of it: a demo left alone fills no disk."""


class Plot(Struct, frozen=True, kw_only=True):
    """A play of so many *seconds*, posting *rate* updates a second.

    *endless*: it is played again and again, at a calm pace.
    """

    seconds: float
    rate: float
    endless: bool = False

    def over(self, at: float) -> bool:
        """Whether Telegram has nothing more to post."""
        return not self.endless and at >= self.seconds

    def posted(self, at: float) -> int:
        """Return how many updates are posted by then."""
        played = min(at, self.seconds)
        again = max(at - self.seconds, 0.0) if self.endless else 0.0
        return int(self.rate * (played + CALM * again))

    def down_for(self, at: float) -> float:
        """Return the seconds that the target with an outage stays down; 0 while it is up."""
        moment = at % self.seconds
        if self.over(at) or moment < DOWN_FROM * self.seconds:
            return 0.0
        return max(DOWN_UNTIL * self.seconds - moment, 0.0)

    def recovering(self, at: float) -> bool:
        """Whether the outage is behind us in this play."""
        return at % self.seconds >= DOWN_UNTIL * self.seconds
