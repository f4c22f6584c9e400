"""Training of the demo model on made-up anatomy: `python -m MedXAILib.training --help`."""
