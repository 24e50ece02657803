"""`python -m imagebuilders` is the command `imagebuilders`."""

import sys

from imagebuilders.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
