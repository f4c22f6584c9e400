"""Many cases at once: the run over a data set, its summary and its report."""
