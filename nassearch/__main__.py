"""`python -m nassearch` is the `nassearch` command."""

from nassearch.cli import main

if __name__ == "__main__":
    main()
