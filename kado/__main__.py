"""``python -m kado``."""

from kado.cli.main import main

if __name__ == "__main__":
    main()
