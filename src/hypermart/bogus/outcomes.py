"""What a shopper may choose to happen to a payment. Plain facts; bank.py makes them true."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["open", "pending", "authorised", "captured", "declined", "voided"]
Callback = Literal["once", "late", "twice", "lost", "forged"]
Capture = Literal["", "late", "refused"]


class Outcome(msgspec.Struct, frozen=True):
    label: str
    state: State = "authorised"
    """`open`: the shopper is asked once more, on the challenge page."""
    reason: str = ""
    """Why it is declined, at once or in the end."""
    settles_to: State | None = None
    """What a pending payment becomes in the end."""
    callback: Callback = "once"
    capture: Capture = ""


GROUPS: dict[str, dict[str, Outcome]] = {
    "The bank says yes": {
        "approve": Outcome("Approve"),
        "challenge": Outcome("Ask for 3-D Secure first", "open"),
    },
    "The bank says no": {
        "insufficient_funds": Outcome("Decline: not enough money", "declined", "insufficient_funds"),
        "expired_card": Outcome("Decline: the card has expired", "declined", "expired_card"),
        "lost_card": Outcome("Decline: the card was reported lost", "declined", "lost_card"),
        "do_not_honour": Outcome("Decline: without saying why", "declined", "do_not_honour"),
        "fraud_suspected": Outcome("Decline: fraud is suspected", "declined", "fraud_suspected"),
    },
    "The bank takes its time": {
        "pending_paid": Outcome("Pending, paid after ten seconds", "pending", settles_to="authorised"),
        "pending_failed": Outcome(
            "Pending, failed after ten seconds", "pending", "insufficient_funds", settles_to="declined"
        ),
    },
    "The callback goes wrong": {
        "callback_late": Outcome("Approve, callback half a minute late", callback="late"),
        "callback_twice": Outcome("Approve, callback twice", callback="twice"),
        "callback_lost": Outcome("Approve, callback lost", callback="lost"),
        "callback_forged": Outcome("Approve, callback wrongly signed", callback="forged"),
    },
    "The capture goes wrong": {
        "capture_late": Outcome("Approve, capture answered too late", capture="late"),
        "capture_refused": Outcome("Approve, capture refused", capture="refused"),
    },
}
OUTCOMES = {code: outcome for group in GROUPS.values() for code, outcome in group.items()}
FIRST = next(iter(OUTCOMES))

PASSED = Outcome("Pass")
FAILED = Outcome("Fail", "declined", "authentication_failed")
CAPTURE_REFUSED = "capture_refused"
