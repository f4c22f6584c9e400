"""What exists only for the panel in 3D Slicer: the panel (Qt) and its session. The library itself is `medxai`."""
