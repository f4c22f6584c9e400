"""Every way to make a saliency map behind one interface; one file an explainer."""
