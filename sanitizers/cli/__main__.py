"""`python -m sanitizers.cli`: the command line where the console script is not on the path."""

from sanitizers.cli import main

main()
