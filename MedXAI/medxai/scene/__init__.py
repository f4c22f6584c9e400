"""Explanations in a Slicer scene: volume nodes in; overlays, segmentation, ROI and views out. The only package that imports `slicer` or `vtk`."""
