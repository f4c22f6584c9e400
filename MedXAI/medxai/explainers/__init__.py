"""Every method that makes saliency maps, behind one interface; one file an explainer."""
