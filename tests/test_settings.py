"""Settings: what the environment may say, and the one line it gets for what it may not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hypermart.settings import SECRETS, BadSetting, Settings, load
from tests.parts.containers import names_asked


def test_nothing_said_gives_an_embedded_production_shop() -> None:
    settings = load({})
    assert settings.mode == "production"
    assert settings.is_embedded
    assert settings.database_read_url == settings.database_url
    assert settings.base_url == "http://127.0.0.1:8000"


def test_an_empty_value_counts_as_not_said() -> None:
    assert load(dict.fromkeys(["MODE", "PORT", "HOST", "DATABASE_URL", "DATA_DIR", "CURRENCY"], "")) == load({})


def test_everything_embedded_lives_in_the_data_folder(tmp_path: Path) -> None:
    settings = load({"DATA_DIR": str(tmp_path)})
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path}/hypermart.db"
    assert settings.blobs_url == f"file:{tmp_path}/blobs"


def test_the_full_topology() -> None:
    primary, replica = "mysql+asyncmy://u:p@primary/shop", "mysql+asyncmy://u:p@replica/shop"
    environ = {"DATABASE_URL": primary, "DATABASE_READ_URL": replica, "BASE_URL": "https://shop.example/"}
    with pytest.raises(BadSetting, match="SECRET_KEY"):
        load(environ)  # replicas must sign alike, and each would make a key of its own
    settings = load(environ | {"SECRET_KEY": "x" * 32})
    assert not settings.is_embedded
    assert settings.database_read_url == replica
    assert settings.base_url == "https://shop.example"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "8000 "),
        ("PORT", "²"),
        ("METRICS", "9100"),
        ("METRICS", ":9100"),
        ("METRICS", "127.0.0.1"),
        ("METRICS", "127.0.0.1:0"),
        ("METRICS", "127.0.0.1:65536"),
        ("METRICS", "127.0.0.1:9100/metrics"),
        ("METRICS", "http://127.0.0.1:9100"),
        ("MODE", "test"),
        ("MODE", "Demo"),
        ("WORKER", "none"),
        ("DATABASE_URL", "postgresql://localhost/shop"),
        ("DATABASE_URL", "sqlite:///shop.db"),
        ("DATABASE_URL", "shop.db"),
        ("SECRET_KEY", "x" * 31),
        ("SHOP_COUNTRY", "Germany"),
        ("SHOP_COUNTRY", "de"),
        ("TAX_ROUNDING", "never"),
        ("TRIES", "often"),
        ("TRACES", "127.0.0.1:4318"),
        ("TRACES", "http://user:key@127.0.0.1:4318"),
        ("TRACES", "http://127.0.0.1:4318?key=1"),
        ("TRACES", "http://127.0.0.1:port"),
        ("TRACES_SHARE", "all"),
        ("TRACES_SHARE", "1.1"),
        ("TRACES_SHARE", "nan"),
        ("BASE_URL", "shop.example"),
        ("BASE_URL", "https://shop.example/shop"),
        ("BASE_URL", "ftp://shop.example"),
        ("BASE_URL", "https://shop.example:http"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=f"^{name}") as refused:
        load({name: value})
    assert "\n" not in str(refused.value)


def test_traces_are_off_until_somebody_takes_them() -> None:
    assert (load({}).traces, load({}).traces_share) == ("", 0.1)
    assert load({"TRACES": "https://otlp.example/shop/"}).traces == "https://otlp.example/shop"


def test_settings_cannot_be_changed() -> None:
    settings: Settings = load({})
    with pytest.raises(AttributeError):
        settings.port = 1  # type: ignore[misc]


def test_an_origin_is_written_as_browsers_write_it() -> None:
    assert load({"BASE_URL": "https://Shop.Example:443/"}).base_url == "https://shop.example"
    assert load({"BASE_URL": "http://[::1]:8000"}).base_url == "http://[::1]:8000"


def test_a_gateway_in_earnest_needs_a_secret() -> None:
    with pytest.raises(BadSetting, match=r"^GATEWAY_SECRET"):
        load({"GATEWAY_URL": "bogus:http://127.0.0.1:9000"})
    assert load({"GATEWAY_URL": "bogus:", "MODE": "demo"}).gateway_secret


SECRET = re.compile("SECRET|TOKEN|PASSWORD|KEY|URL")
NO_FILES = {"BASE_URL": "no secret", "QA_SECRET": "opens shops for tests only"}


def test_every_secret_may_be_a_file() -> None:
    assert {name for name in names_asked() if SECRET.search(name)} - NO_FILES.keys() == set(SECRETS)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_read_from_its_file(name: str, tmp_path: Path) -> None:
    value = {"DATABASE_URL": "sqlite+aiosqlite:////a", "DATABASE_READ_URL": "sqlite+aiosqlite:////b"}.get(
        name, "x" * 32
    )
    (tmp_path / "secret").write_text(f"{value}\n")
    path = str(tmp_path / "secret")
    assert getattr(load({f"{name}_FILE": path, "MODE": "demo"}), name.lower()) == value
    with pytest.raises(BadSetting, match=f"^{name} and {name}_FILE are both set: keep one of them$"):
        load({f"{name}_FILE": path, name: value})
    assert load({f"{name}_FILE": ""}) == load({})


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "must hold SECRET_KEY, on one line"),
        (b"\n", "must hold SECRET_KEY, on one line"),
        (b"x" * 32 + b"\n" + b"y" * 32, "must hold SECRET_KEY, on one line"),
        (b"\xff", "cannot be read: it is not text"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(content: bytes | None, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadSetting, match=rf"^SECRET_KEY_FILE='{path}' {complaint}$"):
        load({"SECRET_KEY_FILE": str(path)})


def test_nobody_opens_qa_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x" * 32)
    assert not load({"MODE": "qa", "QA_SECRET_FILE": str(tmp_path / "secret")}).qa_secret


@pytest.mark.parametrize("given", ["*", "everybody", "10.0.0.0/33"])
def test_nobody_is_trusted_by_a_wrong_word(given: str) -> None:
    with pytest.raises(BadSetting, match="TRUSTED_PROXIES"):
        load({"TRUSTED_PROXIES": given})


def test_proxies_are_addresses_and_networks() -> None:
    assert load({"TRUSTED_PROXIES": "10.0.0.7, 10.1.0.0/16"}).trusted_proxies == "10.0.0.7/32,10.1.0.0/16"
    assert not load({}).trusted_proxies


@pytest.mark.parametrize("given", ["soon", "-1", "inf", "nan", "86400"])
def test_drain_is_a_number_of_seconds(given: str) -> None:
    with pytest.raises(BadSetting, match="DRAIN"):
        load({"DRAIN": given})


@pytest.mark.parametrize(
    ("given", "read"), [("127.0.0.1:9100", ("127.0.0.1", 9100)), ("[::1]:9100", ("::1", 9100)), ("", None)]
)
def test_where_metrics_are(given: str, read: tuple[str, int] | None) -> None:
    assert load({"METRICS": given}).metrics == read
