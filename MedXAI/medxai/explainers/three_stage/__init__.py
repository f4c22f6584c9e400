"""The paper's method: references, three stages at every layer, and how far the maps narrow."""
