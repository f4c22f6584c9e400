"""How good a segmentation or a saliency map is, measured beside baselines that need no model."""
