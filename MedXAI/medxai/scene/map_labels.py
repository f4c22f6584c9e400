"""What each kind of map is called in the scene: in names of nodes, in their attributes and in legends."""

from MedXAILib.session.choices import MapKind

_LABELS = {
    MapKind.STAGE1: "stage 1",
    MapKind.STAGE2: "stage 2",
    MapKind.STAGE3: "stage 3",
    MapKind.INTERACTION: "feature interaction (prompt attention)",
    MapKind.TERMINAL: "terminal map (mask logits)",
    MapKind.GRAD_CAM: "Grad-CAM (another method, for comparison)",
}


def label_of(kind: MapKind) -> str:
    """The name of a kind of map."""
    return _LABELS[kind]
