"""``python -m textrep``: the command line."""

from textrep.cli import main

if __name__ == "__main__":
    main()
