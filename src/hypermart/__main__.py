"""`python -m hypermart`."""

import sys

from hypermart.cli import main

sys.exit(main())
