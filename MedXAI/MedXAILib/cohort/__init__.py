"""Many cases at once: published data sets, the run over all of their cases, and what it says as a whole."""
