"""The house rules for templates, each also shown a violation, so that we know that it sees one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest
from jinja2 import Environment, nodes

from hypermart.settings import ROOT
from hypermart.templating import environment
from tests.parts import databases

LINES, DEEP = 200, 2
#: Folders of pages: what is no fragment there is a whole page.
PAGES = ("store", "checkout", "account", "staff", "errors")
#: Templates that print HTML as it is, each with the reason why it is safe.
SAFE = {
    "store/content.html": "bodies of content pages are sanitised before they are stored",
    "store/product.html": "descriptions of products are sanitised before they are stored",
}


@dataclass(frozen=True)
class Template:
    name: str
    text: str
    env: Environment

    @property
    def tree(self) -> nodes.Template:
        return self.env.parse(self.text, self.name)

    @property
    def path(self) -> PurePosixPath:
        return PurePosixPath(self.name)

    @property
    def is_fragment(self) -> bool:
        return self.path.name.startswith("_") and self.path.suffix == ".html"

    @property
    def is_page(self) -> bool:
        return self.path.parts[0] in PAGES and self.path.suffix == ".html" and not self.is_fragment

    @property
    def html(self) -> str:
        """Without Jinja's own tags and comments."""
        return re.sub(r"\{#.*?#\}|\{%.*?%\}", "", self.text, flags=re.DOTALL)


Rule = Callable[[Template], Iterator[str]]


def compiles(template: Template) -> Iterator[str]:
    try:
        template.env.compile(template.tree, template.name)
    except Exception as error:  # noqa: BLE001  (whatever Jinja says, we say which template)
        yield str(error)


def is_small(template: Template) -> Iterator[str]:
    if (lines := template.text.count("\n")) > LINES:
        yield f"{lines} lines, over {LINES}"
    if len(template.path.parts) - 1 > DEEP:
        yield f"lies more than {DEEP} folders deep"


def page_has_layout_and_title(template: Template) -> Iterator[str]:
    if not template.is_page:
        return
    layouts = [node.template for node in template.tree.find_all(nodes.Extends)]
    if not any(isinstance(node, nodes.Const) and str(node.value).startswith("layouts/") for node in layouts):
        yield "a page extends a layout by its name"
    if not any(block.name == "title" and block.body for block in template.tree.find_all(nodes.Block)):
        yield "a page fills the title block"


def fragment_is_named_by_its_root(template: Template) -> Iterator[str]:
    if not template.is_fragment:
        return
    wanted = template.path.stem[1:].replace("_", "-")
    root = re.search(r"<[a-z][a-z0-9-]*\b([^>]*)>", template.html)
    if root is None or not re.search(rf'(^|\s)id="{wanted}"', root[1]):
        yield f'the root element of a fragment has its name: id="{wanted}"'
    if next(template.tree.find_all(nodes.Extends), None):
        yield "a fragment extends nothing"


def escapes(template: Template) -> Iterator[str]:
    unescaped = any(node.name == "safe" for node in template.tree.find_all(nodes.Filter))
    if (unescaped or "autoescape" in template.text) and template.name not in SAFE:
        yield "prints HTML as it is: add it to SAFE with the reason, or do not"


BANNED = {
    r"<[^>]*\shx-[a-z]": "htmx attributes are spelled data-hx-",
    r"<[^>]*\sdata-hx-(on|vars|vals=.js:)": "htmx attributes hold no code",
    r"<[^>]*\son[a-z]+\s*=": "the policy forbids inline event handlers",
    r"<[^>]*\sstyle\s*=|<style\b": "the policy forbids inline styles",
    r"<[^>]*\sformaction\s*=": "text browsers ignore formaction: make it a form of its own",
    r"<script(?![^>]*\ssrc=)(?![^>]*\stype=\"application/(ld\+)?json\")": "the policy forbids inline scripts",
    r"javascript:": "the policy forbids javascript: addresses",
}


#: Mails are no pages: their programs drop style sheets, and no policy of ours goes with them.
IN_MAILS = {"the policy forbids inline styles"}


def keeps_the_policy(template: Template) -> Iterator[str]:
    allowed = IN_MAILS if template.path.parts[0] == "email" else set()
    for pattern, reason in BANNED.items():
        if reason not in allowed and re.search(pattern, template.html, re.IGNORECASE):
            yield reason


LAYOUT = '{% extends "layouts/base.html" %}'
TITLE = "{% block title %}Home{% endblock %}"
PLANTED: list[tuple[Rule, str, str]] = [
    (compiles, "store/home.html", "{% if %}"),
    (compiles, "store/home.html", "{{ price|no_such_filter }}"),
    (is_small, "store/home.html", "\n" * 201),
    (is_small, "store/product/parts/price.html", ""),
    (page_has_layout_and_title, "store/home.html", TITLE),
    (page_has_layout_and_title, "store/home.html", LAYOUT),
    (page_has_layout_and_title, "errors/not_here.html", LAYOUT + "{% block title %}{% endblock %}"),
    (fragment_is_named_by_its_root, "store/_buy_box.html", '<div class="x"><p id="buy-box">'),
    (fragment_is_named_by_its_root, "store/_buy_box.html", '<div id="buy_box">'),
    (fragment_is_named_by_its_root, "store/_buy_box.html", LAYOUT + '<div id="buy-box">'),
    (escapes, "store/home.html", "{{ page.intro|safe }}"),
    (escapes, "store/home.html", "{% autoescape false %}{% endautoescape %}"),
    (keeps_the_policy, "store/home.html", '<a href="/" hx-get="/">'),
    (keeps_the_policy, "store/home.html", '<a data-hx-on:click="x()">'),
    (keeps_the_policy, "store/home.html", '<a\nonclick="x()">'),
    (keeps_the_policy, "store/home.html", '<p style="color:red">'),
    (keeps_the_policy, "store/home.html", '<button formaction="/x">'),
    (keeps_the_policy, "store/home.html", "<script>1</script>"),
]
RULES = {rule: None for rule, _, _ in PLANTED}


@pytest.fixture(scope="session")
def env() -> Environment:
    return environment(databases.settings(Path("var"), "sqlite+aiosqlite:///unused"))


@pytest.mark.parametrize("rule", RULES)
def test_every_template(rule: Rule, env: Environment) -> None:
    folder = ROOT / "templates"
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert files
    templates = [Template(path.relative_to(folder).as_posix(), path.read_text(), env) for path in files]
    complaints = [f"{template.name}: {found}" for template in templates for found in rule(template)]
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize(("rule", "name", "text"), PLANTED)
def test_a_violation_is_seen(rule: Rule, name: str, text: str, env: Environment) -> None:
    assert len(list(rule(Template(name, text, env)))) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("store/home.html", f'{LAYOUT}{TITLE}<script type="application/ld+json">{{}}</script><script src="/a.js">'),
        ("store/_buy_box.html", '{# <p> #}{% set x = 1 %}\n<form class="x" id="buy-box" data-hx-post="/x"></form>'),
        ("email/parts.html", '<p style="margin:0">'),
        ("store/_note.html", '<hx-partial id="note" data-on="1"></hx-partial>'),
    ],
)
def test_what_is_allowed_stays_allowed(name: str, text: str, env: Environment) -> None:
    assert [found for rule in RULES for found in rule(Template(name, text, env))] == []


def test_what_may_print_html_exists() -> None:
    assert all((ROOT / "templates" / name).is_file() for name in SAFE)
