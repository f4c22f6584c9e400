"""Where the explainer fails: planted cases with a known answer, and the verdict that was expected before any was run."""
