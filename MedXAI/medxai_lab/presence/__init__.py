"""Where a model's verdict "Is there anything here?" comes from: boxes over made-up structures, and over nothing."""
