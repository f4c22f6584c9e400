"""Slices of a volume as images that know where they lie, boxes on them, and how they stand upright."""
