"""``python -m adjoint``: the command, where its script is not on the path."""

from adjoint.cli.main import main

if __name__ == "__main__":
    main()
