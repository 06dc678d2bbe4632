"""`python -m untilgreen` is the command line."""

from untilgreen.cli import main

main()
