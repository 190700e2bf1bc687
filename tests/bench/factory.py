"""The app for servers that import it: settings from the environment, as `hypermart serve` takes them."""

from __future__ import annotations

from litestar import Litestar

from hypermart import logs
from hypermart.app import create_app
from hypermart.settings import load
from hypermart.worker import ringing


def app() -> Litestar:
    settings = load()
    logs.configure(settings.log_level)
    return create_app(settings, beside=ringing)
