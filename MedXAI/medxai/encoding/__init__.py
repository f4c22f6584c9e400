"""The image encoder's one pass over a slice: embedding, features of the chosen layers, and their cache."""
