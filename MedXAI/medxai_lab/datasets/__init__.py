"""How published data sets lie in their folders; one file a layout."""
