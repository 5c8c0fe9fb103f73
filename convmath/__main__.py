"""``python -m convmath``: the command line."""

from convmath.cli.main import main

if __name__ == "__main__":
    main()
