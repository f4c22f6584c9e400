"""Which stretch of an outline to check: how far it moves if the model is a little less sure, and whether it moves with the box."""
