"""The bogus gateway: a payment provider to practise with, an app of its own that shares only money with the shop.

It runs mounted under /bogus of a demo shop, or as a process of its own (`hypermart bogus`). It keeps a journal of its
own (journal.entries() reads it) and survives kill -9 at any moment.

The shop's side, JSON, each call with `Authorization: Bearer SECRET`, each POST with an `Idempotency-Key`:

    POST /payments                 {key, amount, currency, return_url, description} -> a payment that is `open`
    GET  /payments/{ref}           the payment as it is now
    POST /payments/{ref}/captures  takes what is authorised; otherwise changes nothing and answers the present state
    POST /payments/{ref}/voids     lets go what is open, pending or authorised; otherwise as above

The same key with the same request is answered as the first time; with another one it is 409. An answer is kept under
its key only if the call changed something.

The shopper's side: /pay/{ref}, plain forms; outcomes.py lists what may be chosen. What the shopper or the bank (not the
shop) changes is told to the shop: POST {base_url}/hooks/payments {id, ref}, signed (callbacks.py), tried five times.

For tests and demos, GET /journal (what really happened to the money, in order) and POST /control, every part optional:

    {"faults": [{"call": "open" | "find" | "capture" | "void", "kind": ..., "times": 1, "seconds": 10}]}
        the next `times` such calls go wrong; replaces what was asked before, so [] puts everything right. Kinds:
        "slow"  waits `seconds`, then does it        "late"  does it, then waits `seconds` before it answers
        "error" 500, nothing is done                 "lost"  does it, but the answer is lost: 502
    {"settle": true}    what is pending is decided now
    {"deliver": true}   callbacks that wait (late ones, or for another try) are sent now, before this is answered
"""

from hypermart.bogus.app import create_app
from hypermart.bogus.desk import Setup

__all__ = ["Setup", "create_app"]
