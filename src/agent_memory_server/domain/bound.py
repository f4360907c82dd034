"""How long a session may grow before its oldest messages are folded into its summary."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a write says of it, in tokens.

    window:    that the session is to fit from now on; None names none: a put session then has none, and one that is
               appended to keeps the one it has.
    otherwise: the window of a session that has none; 0 or less: it is not folded.
    share:     of the window, beyond which a session is folded.
    """

    window: int | None = None
    otherwise: int
    share: float

    def outgrown(self, tokens: int | None, window: int | None) -> bool:
        """Whether a session of so many tokens, with this window, is to be folded. tokens: None, they were not
        counted."""
        size = self.otherwise if window is None else window
        return tokens is not None and size > 0 and tokens > int(size * self.share)
