"""``adjoint studio``: the live page."""

from __future__ import annotations

import webbrowser
from importlib.util import find_spec

import click

from adjoint.cli.refusal import Refusal


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.")
@click.option("--browser/--no-browser", default=True, help="Open the page at once.")
def command(port: int, browser: bool) -> None:
    """Watch a small network learn, in the browser, until Ctrl-C.

    The page is served on this machine only; its address holds a token that lets you in.
    """
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise Refusal("the studio is an extra: python -m pip install 'adjoint[studio]'")
    from adjoint.studio import serve

    def opened(address: str) -> None:
        click.echo(f"{address}\nCtrl-C ends it")
        if browser:
            webbrowser.open(address)

    serve(port, opened)
