"""``python -m planner`` and the ``planner`` script."""

from planner.cli.main import main

if __name__ == "__main__":
    main()
