"""One file for each model family: its checkpoints, how its networks are recognised, built, shown an image and given a box."""
