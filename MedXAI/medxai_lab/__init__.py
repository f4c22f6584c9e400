"""Tools for those who examine models: cohorts, data sets, failure cases, made-up anatomy, training. Not part of the Slicer extension."""
