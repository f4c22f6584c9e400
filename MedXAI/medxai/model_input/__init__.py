"""From a slice's intensities to exactly the tensor that a model segments."""
