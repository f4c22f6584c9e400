"""Planted cases of the contour check: made-up slices on which it is known which stretch of the outline is soft or follows the box."""
