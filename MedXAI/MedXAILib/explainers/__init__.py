"""Every way of making a saliency map behind one small interface: MedXAI's own, the null baselines and the peers.

One explainer a file; `catalogue` knows them by name and says which are installed.
"""
