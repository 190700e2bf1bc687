"""`python -m tests.bench`: what public pages cost. For the large shop: `python -m tests.bench.large`."""

from tests.bench.pages import main

main()
