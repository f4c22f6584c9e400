"""Explanations in a Slicer scene: volume nodes in, overlays, segmentation, region and views out. The one place that knows `slicer`."""
