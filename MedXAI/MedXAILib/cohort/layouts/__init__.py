"""How published data sets lie in their folders; one file a layout."""

from .catalogue import LAYOUTS, scans_of

__all__ = ["LAYOUTS", "scans_of"]
