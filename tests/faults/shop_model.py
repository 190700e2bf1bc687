"""The shop as its rules say, in plain Python: carts, payments, bank, stock and orders. Shares no code with the shop."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.domain.test_reservation_machine import Model as Stock

HOLD, PATIENCE, KEPT = timedelta(minutes=15), timedelta(days=3), timedelta(days=30)
TRIES, WITHIN = 10, timedelta(hours=1)
FREIGHT = {"standard": 490, "pickup": 0}
LIVE = ("created", "pending", "waiting", "claimed")
OPEN = (*LIVE, "superseded")


class Refusal(Exception):
    """The shop says no; the name of the way in which it does."""


@dataclass
class Line:
    quantity: int
    seen: int
    """The price that the shopper saw last."""


@dataclass(eq=False)
class Cart:
    owner: str
    token: str
    expires_at: datetime
    id: int = 0
    lines: dict[int, Line] = field(default_factory=dict)
    version: int = 1
    has_address: bool = False
    delivery: str = ""
    payment: str = ""
    order: int | None = None
    heir_of: Cart | None = None
    """The completed cart whose cookie it took over."""

    def touch(self, now: datetime) -> None:
        self.version += 1
        self.expires_at = now + KEPT


@dataclass(eq=False)
class Attempt:
    key: str
    cart: Cart
    version: int
    method: str
    amount: int
    wanted: dict[int, int]
    created_at: datetime
    state: str = "created"
    is_known: bool = False
    """Whether the shop knows what the bank calls it."""
    bank: str = ""
    """What the bank says of it; empty: it was never asked."""
    settles_to: str = ""
    is_capture_refused: bool = False

    def is_same(self, cart: Cart, expected: int, now: datetime) -> bool:
        is_held = self.state in ("waiting", "claimed") or now < self.created_at + HOLD
        return is_held and (self.version, self.amount) == (cart.version, expected)


@dataclass
class Wish:
    """What is sent with the button: by whose cart's cookie, from the page of which cart, at which total."""

    cart: Cart | None
    shown: Cart | None
    expected: int


def ancestors(cart: Cart) -> list[Cart]:
    """It took over their cookie."""
    return [cart.heir_of, *ancestors(cart.heir_of)] if cart.heir_of else []


@dataclass
class Order:
    number: int
    attempt: Attempt
    is_paid: bool
    is_cancelled: bool = False
    is_confirmed: bool = False
    """By mail."""
    is_mail_owed: bool = True


class Shop:
    def __init__(self, prices: list[int], on_hand: list[int], oversold: set[int]) -> None:
        self.prices, self.stock = prices, Stock(on_hand, oversold)
        self.slots: dict[str, str] = {}
        """Shopper -> the token in their cookie."""
        self.carts: list[Cart] = []
        self.attempts: dict[str, Attempt] = {}
        self.orders: list[Order] = []
        self.faults: dict[str, str] = {}
        """Call -> what goes wrong with the next one: error (nothing is done), lost (it is done, and not answered)."""
        self.heard: set[str] = set()
        """Callbacks that came."""

    # Carts

    def cart(self, owner: str) -> Cart | None:
        return next((cart for cart in self.carts if cart.token == self.slots.get(owner)), None)

    def open_cart(self, owner: str, now: datetime) -> Cart | None:
        cart = self.cart(owner)
        return cart if cart and not cart.order and cart.expires_at > now else None

    def new_cart(self, owner: str, token: str, now: datetime) -> Cart:
        cart = Cart(owner, token, now + KEPT)
        self.slots[owner] = token
        self.carts.append(cart)
        return cart

    def left(self, v: int) -> int | None:
        stock = self.stock
        return None if v in stock.may_oversell else max(0, stock.on_hand[v] - stock.allocated[v] - stock.reserved(v))

    def add(self, owner: str, v: int, quantity: int, token: str, now: datetime) -> None:
        """`token`: for a new cart, where one is needed."""
        left, cart = self.left(v), self.open_cart(owner, now)
        present = cart.lines[v].quantity if cart and v in cart.lines else 0
        more = quantity if left is None else min(quantity, left - present)
        if more <= 0:
            raise Refusal("CannotAdd")
        cart = cart or self.new_cart(owner, token, now)
        cart.lines.setdefault(v, Line(0, self.prices[v])).quantity += more
        cart.touch(now)

    def change(self, cart: Cart, v: int, quantity: int, now: datetime) -> None:
        """The whole page is sent, so its prices are seen."""
        before = {u: (line.quantity, line.seen) for u, line in cart.lines.items()}
        for u, line in cart.lines.items():
            line.seen = self.prices[u]
        cart.lines[v].quantity = quantity
        if {u: (line.quantity, line.seen) for u, line in cart.lines.items()} != before:
            cart.touch(now)
        if not quantity:
            del cart.lines[v]

    def total(self, cart: Cart) -> int:
        goods = sum(self.prices[v] * line.quantity for v, line in cart.lines.items())
        return goods + FREIGHT.get(cart.delivery, 0)

    def hand_over(self, cart: Cart, owner: str, fresh: str, now: datetime) -> bool:
        """To the browser of `owner`, where what is in the cart joins what was there."""
        if cart.order or cart.expires_at <= now:
            return False
        other = self.open_cart(owner, now)
        if other is cart:
            return True
        cart.token = other.token if other else fresh
        cart.owner, self.slots[owner] = owner, cart.token
        for v, line in (other.lines if other else {}).items():
            cart.lines.setdefault(v, Line(0, line.seen)).quantity += line.quantity
        if other:
            other.token, other.lines = "", {}
        cart.touch(now)
        return True

    def expire(self, now: datetime) -> None:
        kept = {id(attempt.cart) for attempt in self.attempts.values()}
        self.carts = [cart for cart in self.carts if cart.expires_at > now or id(cart) in kept]

    # Placing

    def live(self, cart: Cart) -> Attempt | None:
        return next((each for each in self.attempts.values() if each.cart is cart and each.state in LIVE), None)

    def place(self, wish: Wish, key: str, now: datetime) -> tuple[str, int | None, bool]:
        """Key, order number, whether there is a page to pay at. `key`: of a new attempt, where one is made."""
        cart, expected = wish.cart, wish.expected
        if cart is None:
            raise Refusal("NotFound")
        if cart.order:
            return "", cart.order, False
        if wish.shown and wish.shown is not cart and wish.shown in ancestors(cart):
            return "", wish.shown.order, False
        under_way = self.live(cart)
        if under_way and under_way.is_same(cart, expected, now):
            is_asked = under_way.state == "created" and self.ask_to_open(under_way)
            return under_way.key, None, is_asked or under_way.state == "pending"
        if under_way and under_way.state == "claimed":
            return under_way.key, None, False
        was_held = self.let_go(under_way.key) if under_way else {}
        if no := self.refusal(cart, expected, now):
            self.stock.held |= was_held  # nothing was changed
            raise Refusal(no)
        if under_way:
            under_way.state = "superseded"
        return self.attempt(cart, key, now)

    def refusal(self, cart: Cart, expected: int, now: datetime) -> str:
        if cart.expires_at <= now:
            return "NotFound"
        lefts = [(line.quantity, self.left(v)) for v, line in cart.lines.items()]
        is_short = any(left is not None and quantity > left for quantity, left in lefts)
        is_pickup, total = cart.delivery == "pickup", self.total(cart)
        methods = ("free",) if not total else ("card", "pickup") if is_pickup else ("card", "invoice")
        is_chosen = cart.delivery in FREIGHT and cart.payment in methods
        if not (cart.lines and cart.has_address and is_chosen) or is_short:
            return "Missing"
        if total != expected:
            return "TotalChanged"
        recent = [a for a in self.attempts.values() if a.cart is cart and a.created_at > now - WITHIN]
        return "TooManyAttempts" if len(recent) >= TRIES else ""

    def attempt(self, cart: Cart, key: str, now: datetime) -> tuple[str, int | None, bool]:
        wanted = {v: line.quantity for v, line in cart.lines.items()}
        attempt = Attempt(key, cart, cart.version, cart.payment, self.total(cart), wanted, now)
        self.attempts[key] = attempt
        assert not self.stock.make_room(key, wanted, now), "a cart that is short is refused before"
        if attempt.method != "card":
            attempt.state = "accepted"
            self.allocate(wanted)
            return key, self.order(attempt, now), False
        self.stock.held |= {(key, v): (units, now + HOLD) for v, units in wanted.items()}
        return key, None, self.ask_to_open(attempt)

    def order(self, attempt: Attempt, now: datetime) -> int:
        number, cart = 1001 + len(self.orders), attempt.cart
        self.orders.append(Order(number, attempt, attempt.method in ("card", "free")))
        cart.order = number
        cart.touch(now)
        left = {v: line.quantity - attempt.wanted.get(v, 0) for v, line in cart.lines.items()}
        if any(units > 0 for units in left.values()):
            token, cart.token = cart.token, ""
            heir = self.new_cart(cart.owner, token, now)
            heir.heir_of = cart
            heir.lines = {v: Line(units, cart.lines[v].seen) for v, units in left.items() if units > 0}
            for v, units in left.items():
                cart.lines[v].quantity -= max(0, units)
            cart.lines = {v: line for v, line in cart.lines.items() if line.quantity}
        return number

    def cancel(self, order: Order) -> None:
        if order.is_cancelled:
            return
        if order.is_paid:
            raise Refusal("Refused")
        order.is_cancelled = True
        self.allocate({v: -units for v, units in order.attempt.wanted.items()})

    def allocate(self, units: dict[int, int]) -> None:
        for v, n in units.items():
            self.stock.allocated[v] += n

    def let_go(self, key: str) -> dict[tuple[str, int], tuple[int, datetime | None]]:
        return {(key, v): row for v, row in self.stock.let_go(key).items()}

    # Paying

    def ask_to_open(self, attempt: Attempt) -> bool:
        """Whether the shop knows afterwards where it is paid."""
        fault = self.faults.pop("open", "")
        if fault != "error":
            attempt.bank = attempt.bank or "open"
        if fault:
            return False
        attempt.is_known = True
        if attempt.state == "created":
            attempt.state = "pending"
        return True

    def look(self, attempt: Attempt, now: datetime) -> str:
        """Somebody has the payment settled: '', or 'away' where the bank gave no answer."""
        if attempt.state not in OPEN:
            return ""
        is_asked = self.ask_to_open(attempt) if not attempt.is_known else not self.faults.pop("find", "")
        if not is_asked:
            return "away"
        if attempt.bank in ("open", "pending"):
            return self.wait(attempt, now)
        if attempt.bank in ("declined", "voided"):
            return self.settle(attempt, "declined" if attempt.bank == "declined" else "released")
        if attempt.state != "superseded" and self.claim(attempt, now):
            return self.capture(attempt, now)
        return self.void(attempt, "voided")

    def wait(self, attempt: Attempt, now: datetime) -> str:
        limit = attempt.created_at + (HOLD if attempt.bank == "open" else PATIENCE)
        if attempt.state == "superseded" or now >= limit:
            return self.void(attempt, "released")
        if attempt.bank == "pending":
            attempt.state = "waiting"
        return ""

    def void(self, attempt: Attempt, state: str) -> str:
        fault = self.faults.pop("void", "")
        if fault != "error":
            attempt.bank = "voided"
        return "away" if fault else self.settle(attempt, state)

    def settle(self, attempt: Attempt, state: str) -> str:
        attempt.state = state
        self.let_go(attempt.key)
        return ""

    def claim(self, attempt: Attempt, now: datetime) -> bool:
        if attempt.state == "claimed":
            return True
        held = {v: units for (key, v), (units, _) in self.stock.held.items() if key == attempt.key}
        if held != attempt.wanted and self.stock.make_room(attempt.key, attempt.wanted, now):
            return False
        self.stock.held |= {(attempt.key, v): (units, None) for v, units in attempt.wanted.items()}
        attempt.state = "claimed"
        return True

    def capture(self, attempt: Attempt, now: datetime) -> str:
        fault = self.faults.pop("capture", "") if attempt.bank == "authorised" else ""
        if attempt.bank == "authorised" and fault != "error":
            attempt.bank = "declined" if attempt.is_capture_refused else "captured"
        if fault:
            return "away"
        if attempt.bank == "declined":
            return self.settle(attempt, "declined")
        self.let_go(attempt.key)
        self.allocate(attempt.wanted)
        attempt.state = "paid"
        self.order(attempt, now)
        return ""
