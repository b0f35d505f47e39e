"""``python -m genreconcile``: the command line."""

import sys

from genreconcile.cli import main

if __name__ == "__main__":
    sys.exit(main())
