"""Through the slices: from one box on one slice to the organ in the volume."""
