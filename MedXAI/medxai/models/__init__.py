"""Model families and their checkpoints: which there are, where they come from, how they are read safely."""
