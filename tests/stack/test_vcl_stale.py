"""Old pages: how long the edge shows them, to whom, and that what was purged never comes back."""

from __future__ import annotations

import contextlib
import threading
import time
from uuid import uuid4

import pytest

from tests.parts.origin import Answer, Origin, origin, page, until
from tests.parts.varnish import Browser, Varnish, running

pytestmark = pytest.mark.stack

SHORT = "public, max-age=0, s-maxage=1, stale-while-revalidate=600, stale-if-error=86400"
STRICT = "public, max-age=0, s-maxage=1, stale-if-error=86400"
"""No old page while the shop is well: a sale begins then."""
BRIEF = "public, max-age=0, s-maxage=1, stale-if-error=1"


def grow_old() -> None:
    time.sleep(1.1)


def sicken(ask: Browser, shop: Origin, *, is_ready: bool = False) -> None:
    """Until the probe has seen it: a page that nobody ever asked for is refused without asking the origin."""
    shop.is_ready = is_ready

    def is_sick() -> bool:
        return ask(f"/p/{uuid4().hex}").status == 503

    until(lambda: is_sick() != is_ready)
    shop.asked.clear()


def test_an_old_page_is_shown_while_it_is_fetched_anew(ask: Browser, shop: Origin) -> None:
    shop.says(page("old", policy=SHORT))
    ask("/p/earth")
    grow_old()
    new = page("new", policy=SHORT)
    new.delay = 0.5
    shop.says(new)
    started = time.monotonic()
    answer = ask("/p/earth")
    assert (answer.body, answer.cache) == (b"old", "hit")
    assert time.monotonic() - started < 0.4
    until(lambda: ask("/p/earth").body == b"new")
    assert len(shop.asked) == 2  # one fetch for all who asked meanwhile


def test_a_page_that_must_not_be_stale_is_waited_for(ask: Browser, shop: Origin) -> None:
    shop.says(page("before the sale", policy=STRICT))
    ask("/p/earth")
    grow_old()
    shop.says(page("sale", policy=STRICT))
    answer = ask("/p/earth")
    assert (answer.body, answer.cache) == (b"sale", "miss")
    assert ask("/p/earth").cache == "hit"


def test_revalidating_ends_when_the_page_says_so(ask: Browser, shop: Origin) -> None:
    shop.says(page("old", policy=SHORT.replace("600", "1")))
    ask("/p/earth")
    time.sleep(2.2)
    shop.says(page("new", policy=SHORT))
    assert ask("/p/earth").body == b"new"


@pytest.mark.parametrize("policy", [SHORT, STRICT])
def test_while_the_shop_is_sick_old_pages_serve(ask: Browser, shop: Origin, policy: str) -> None:
    shop.says(page("old", policy=policy))
    ask("/p/earth")
    grow_old()
    sicken(ask, shop)
    for _ in range(3):
        answer = ask("/p/earth")
        assert (answer.status, answer.body, answer.cache) == (200, b"old", "hit")
    assert ask("/p/never-seen").status == 503
    shop.says(page("new", policy=policy))
    sicken(ask, shop, is_ready=True)
    until(lambda: ask("/p/earth").body == b"new")


def test_but_no_longer_than_stale_if_error(ask: Browser, shop: Origin) -> None:
    shop.says(page("old", policy=BRIEF))
    ask("/p/earth")
    sicken(ask, shop)
    time.sleep(2.2)
    assert ask("/p/earth").status == 503


def test_private_pages_are_tried_also_while_the_probe_fails(ask: Browser, shop: Origin) -> None:
    sicken(ask, shop)
    assert ask("/cart", cookie="cart=a").status == 200
    assert ask("/checkout/orders", "POST", body=b"terms=yes").status == 200


def test_three_bad_answers_to_the_probe_take_no_page_away(ask: Browser, shop: Origin) -> None:
    shop.bad_luck = 3
    seen = set()

    def is_over() -> bool:
        seen.add(ask(f"/p/{uuid4().hex}").status)
        return not shop.bad_luck

    until(is_over)
    assert is_over()  # and just after
    assert seen == {200}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("policy", [SHORT, STRICT])
def test_an_error_does_not_replace_a_page(ask: Browser, shop: Origin, status: int, policy: str) -> None:
    """The probe does not know yet, or only this page fails."""
    shop.says(page("old", policy=policy))
    ask("/p/earth")
    grow_old()
    shop.says(Answer(b"broken", status))
    for _ in range(3):
        assert ask("/p/earth").body == b"old"
    assert ask("/p/never-seen").body == b"broken"  # where nothing is kept, the shop's own words
    shop.says(page("new", policy=policy))
    until(lambda: ask("/p/earth").body == b"new", 5)


def test_a_cut_connection_does_not_replace_a_page(ask: Browser, shop: Origin) -> None:
    shop.says(page("old", policy=STRICT))
    ask("/p/earth")
    grow_old()

    def crash(_: object) -> Answer:
        raise RuntimeError("planted")

    shop.answer = crash
    assert ask("/p/earth").body == b"old"


def test_a_shop_that_is_gone_leaves_its_pages(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nobody listens any more: at first the probe does not know, then it does."""
    with contextlib.ExitStack() as stack:
        own = stack.enter_context(origin())
        with running(tmp_path_factory.mktemp("varnish"), own.port) as varnish:
            ask = Browser(varnish.sockets.public, "gone.test")
            own.says(page("old", policy=STRICT))
            ask("/p/earth")
            grow_old()
            stack.close()
            for _ in range(20):
                assert ask("/p/earth").body == b"old"
                time.sleep(0.05)
            assert ask("/cart").status == 503


@pytest.mark.parametrize("policy", [SHORT, STRICT])
def test_what_was_purged_never_comes_back(ask: Browser, shop: Origin, varnish: Varnish, policy: str) -> None:
    shop.says(page("old", keys=ask.host, policy=policy))
    ask("/p/earth")
    grow_old()
    assert varnish.purge(ask.host) == 1
    shop.says(Answer(b"broken", 500))
    assert ask("/p/earth").status == 500
    sicken(ask, shop)
    assert ask("/p/earth").status == 503
    shop.says(page("new", keys=ask.host, policy=policy))
    sicken(ask, shop, is_ready=True)
    assert ask("/p/earth").body == b"new"


def test_a_page_that_is_still_arriving_is_purged(ask: Browser, shop: Origin, varnish: Varnish) -> None:
    """Its head came before the purge, its body after."""
    slow = page("old", keys=ask.host)
    slow.drip = 0.6
    shop.says(slow)
    first = threading.Thread(target=ask, args=("/p/earth",))
    first.start()
    time.sleep(0.3)
    shop.says(page("new", keys=ask.host))
    assert varnish.purge(ask.host) == 1
    assert ask("/p/earth").body == b"new"
    first.join()
    assert ask("/p/earth").body == b"new"


def test_a_page_that_was_only_asked_for_is_gone_after_the_second_purge(
    ask: Browser, shop: Origin, varnish: Varnish
) -> None:
    """Varnish cannot know its keys yet: why the job purges twice (jobs/purge.py)."""
    slow = page("old", keys=ask.host)
    slow.delay = 0.5
    shop.says(slow)
    first = threading.Thread(target=ask, args=("/p/earth",))
    first.start()
    time.sleep(0.2)
    assert varnish.purge(ask.host) == 0
    first.join()
    shop.says(page("new", keys=ask.host))
    assert ask("/p/earth").body == b"old"
    assert varnish.purge(ask.host) == 1
    assert ask("/p/earth").body == b"new"


def test_a_background_fetch_that_began_before_a_purge_is_gone_after_the_second(
    ask: Browser, shop: Origin, varnish: Varnish
) -> None:
    shop.says(page("old", keys=ask.host, policy=SHORT))
    ask("/p/earth")
    grow_old()
    slow = page("old", keys=ask.host, policy=SHORT)
    slow.delay = 0.4
    shop.says(slow)
    assert ask("/p/earth").cache == "hit"
    assert varnish.purge(ask.host) == 1
    time.sleep(0.6)
    shop.says(page("new", keys=ask.host))
    varnish.purge(ask.host)
    assert ask("/p/earth").body == b"new"
