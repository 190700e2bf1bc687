"""`hypermart stack up --tls`: a purchase over https, with Caddy's own certificate.

The docstring is a row of docs/reliability.md (tests/topology/table.py).
"""

from __future__ import annotations

import re
import ssl
import tempfile
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest

from tests.faults.audit import mailbox
from tests.topology.crowd import shopper
from tests.topology.running import Running, running
from tests.topology.test_faults import settled

pytestmark = pytest.mark.timeout(300)
AUTHORITY = "caddy/caddy/pki/authorities/local/root.crt"


@pytest.fixture(scope="module")
def safe() -> Iterator[Running]:
    trusted = trusted_here()
    with tempfile.TemporaryDirectory(prefix="hm") as folder, running(Path(folder), "--tls", "--replicas", "1") as own:
        yield own
    assert trusted_here() == trusted, "this machine trusts another authority than before"


def trusted_here() -> set[str]:
    """Authorities that were added to those of the system."""
    return {path.name for path in Path("/usr/local/share/ca-certificates").glob("*")}


def trusting(stack: Running) -> ssl.SSLContext:
    """Nothing but what this Caddy signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(stack.folder / AUTHORITY)
    return context


async def test_a_purchase_over_https(safe: Running) -> None:
    """A purchase as ever.

    Holds: cookies are Secure and carry the prefix __Host-; every answer says HSTS; no address in pages, redirects or
    mails is http, and the order is paid and confirmed once.
    """
    answers: list[httpx.Response] = []

    async def note(answer: httpx.Response) -> None:
        if answer.url.port == safe.shape.port("tls"):
            answers.append(answer)

    (variant,) = await safe.stocked(1, units=10)
    assert safe.url.startswith("https://localhost:")
    ada = shopper(safe.url, "safe", httpx.AsyncHTTPTransport(verify=trusting(safe)))
    ada.client.event_hooks["response"] = [note]
    async with ada.client:
        home = await ada.visit("/")
        assert home.status == 200
        page = await ada.buy(variant, payment="card")
        assert page.url.startswith(f"{safe.url}/orders/")
        typed = {"email": "safe@example.com", "password": "purple kettle on the moon"}
        await ada.send(await ada.visit("/account/register"), "/account/register", name="Ada", **typed)
        await ada.send(await ada.visit("/account/sign-in"), "/account/sign-in", **typed)
        assert "safe@example.com" in (await ada.visit("/account")).text
    assert await settled(safe, [ada]) == []
    assert [
        answer.url for answer in answers if "max-age=31536000" not in answer.headers["strict-transport-security"]
    ] == []
    cookies = SimpleCookie()
    for answer in answers:
        for line in answer.headers.get_list("set-cookie"):
            cookies.load(line)
            assert "secure" in line.lower()
    assert {"__Host-cart", "__Host-session"} <= set(cookies), sorted(cookies)
    own = f"http://{safe.url.removeprefix('https://')}"
    assert [answer.url for answer in answers if own in answer.text + answer.headers.get("location", "")] == []
    for letter in mailbox(safe.folder / "shop" / "mail"):
        links = re.findall(r"https?://\S+", letter.text)
        assert links
        assert [link for link in links if not link.startswith(safe.url)] == []


async def test_without_tls_nothing_is_shown(safe: Running) -> None:
    async with httpx.AsyncClient(verify=trusting(safe)) as client:
        answer = await client.get(f"http://localhost:{safe.shape.port('tls')}/")
        assert answer.status_code == 400
