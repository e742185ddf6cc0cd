"""`python -m backburner` is the `backburner` command."""

from backburner.cli import main

if __name__ == "__main__":
    main()
