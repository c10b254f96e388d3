"""``python -m hookgram``."""

import sys

from hookgram.cli.main import main

sys.exit(main())
