"""Entry point of `python -m cachenet_train`."""

import sys

from .cli import main

sys.exit(main())
