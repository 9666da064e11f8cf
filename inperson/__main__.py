"""`python -m inperson` is the `inperson` command."""

import sys

from inperson.app.cli import main

sys.exit(main())
