"""Where a model's mask check comes from: masks of made-up structures with their true Dice, and conformal intervals of it."""
