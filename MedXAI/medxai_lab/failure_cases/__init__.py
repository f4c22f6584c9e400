"""Where the explainer fails: made-up cases with a known answer, and what was expected before any was run."""
