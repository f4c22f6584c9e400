"""The scene's regions: which are explained together, and around which organ each is."""

import slicer

from medxai.scene.nodes import nodes_of_class
from medxai.scene.overlays import describe, give_name
from medxai.scene.regions import choose_organ_of_roi

#: Whether a region is explained together with others; those that the panel draws are, those of other modules are not.
_MARKED_ATTRIBUTE = "MedXAI.Marked"


def regions_of(scene: "slicer.vtkMRMLScene") -> "list[slicer.vtkMRMLMarkupsROINode]":
    """All regions that users see in lists."""
    return [region for region in nodes_of_class(scene, "vtkMRMLMarkupsROINode") if not region.GetHideFromEditors()]


def is_marked(region: "slicer.vtkMRMLMarkupsROINode") -> bool:
    """Whether a region is explained together with the other marked ones."""
    return region.GetAttribute(_MARKED_ATTRIBUTE) == "yes"


def mark(region: "slicer.vtkMRMLMarkupsROINode", is_on: bool) -> None:
    """Marks a region, or takes the mark away."""
    region.SetAttribute(_MARKED_ATTRIBUTE, "yes" if is_on else "no")


def made_by_panel(region: "slicer.vtkMRMLMarkupsROINode") -> None:
    """Marks a region that the panel made, and notes its name, so that a name of the user's own is told from it."""
    mark(region, True)
    describe(region, {"Name": region.GetName()})


def choose_organ(region: "slicer.vtkMRMLMarkupsROINode", organ: str, otherwise: str) -> None:
    """Notes which organ a region is around, and calls it so, unless the user has given it a name of his own.

    Args:
        region: In the scene.
        organ: Its name; '' for none.
        otherwise: What a region of no organ is called.
    """
    choose_organ_of_roi(region, organ)
    given = region.GetAttribute("MedXAI.Name")
    if given and region.GetName() == given:
        give_name(region, region.GetScene().GenerateUniqueName(organ) if organ else otherwise)
