"""The live page: a small network learns before your eyes."""

from adjoint.studio.lab import Lab, Settings
from adjoint.studio.server import make_app, serve

__all__ = ["Lab", "Settings", "make_app", "serve"]
