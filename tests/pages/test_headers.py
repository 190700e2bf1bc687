"""Every public route in every state says the right things in its headers, to everybody the same."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from litestar import MediaType, Response, get
from litestar.routes import HTTPRoute

from hypermart.app import create_app
from hypermart.demo import states as seeded
from hypermart.qa.clock import START
from hypermart.qa.states import STATES, Kind, State
from hypermart.settings import Settings
from hypermart.web.caching import Public
from tests.pages.headers import complaints, differences
from tests.parts.shops import open_shop, states_settings

pytestmark = pytest.mark.slow  # every state

Shops = Callable[[str], httpx.Client]
#: No visitor comes there.
FOR_MACHINES = {"/hooks/payments"}
each = pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
public = pytest.mark.parametrize("state", [row for row in STATES if row.is_public], ids=lambda state: state.name)


@each
def test_headers_say_who_may_keep_it(state: State, shops: Shops) -> None:
    http = shops(state.seed)
    assert list(complaints(state, state.answer(http))) == []


@public
def test_everybody_gets_the_same_bytes(state: State, shops: Shops) -> None:
    http = shops(state.seed)
    assert list(differences(http, state.address(http))) == []


def test_every_route_has_a_state_in_the_table(demo_settings: Settings, shops: Shops) -> None:
    reached = {state.reached(shops(state.seed)) for state in STATES if state.status in (200, 303) or state.is_typed}
    routes = [route for route in create_app(demo_settings).routes if isinstance(route, HTTPRoute)]
    assert len(routes) > 10
    for route in routes:
        if route.path in FOR_MACHINES:
            continue
        pattern = re.sub(r"\\\{\w+:path\\\}", ".+", re.escape(route.path))
        pattern = re.sub(r"\\\{\w+(:\w+)?\\\}", "[^/]+", pattern)
        assert any(re.fullmatch(pattern, path) for path in reached), (
            f"{route.path} has no state in src/hypermart/qa/states.py"
        )


def test_every_seeded_state_is_in_the_table() -> None:
    assert {row.name for row in seeded.STATES} <= {state.name for state in STATES}
    assert len({state.name for state in STATES}) == len(STATES)


@get("/planted", media_type=MediaType.HTML)
async def planted() -> Response[bytes]:
    """A public page that starts a session, as a careless handler would."""
    headers = Public(("menu",)).headers(START) | {"etag": '"0123456789"', "vary": "Cookie"}
    answer = Response(b"<!doctype html>", media_type="text/html", headers=headers)
    answer.set_cookie("session", "abc")
    return answer


def test_a_cookie_on_a_public_page_is_found(worker: str) -> None:
    """The walk itself can turn red."""
    with open_shop(states_settings(), [planted]) as base, httpx.Client(base_url=base) as http:
        found = list(complaints(State("planted", Kind.CONTENT, "/planted"), http.get("/planted")))
    assert [line.partition(":")[0] for line in found] == ["Set-Cookie", "Vary"]
