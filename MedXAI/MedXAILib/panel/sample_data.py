"""The phantom in Slicer's Sample Data module: made on this computer, from formulas, so nothing is downloaded."""

from pathlib import Path
from typing import Any

import slicer

from .translation import _

_CATEGORY = "MedXAI"
_NAME = "MedXAIAbdomenPhantom"


def register() -> None:
    """Adds the phantom to the Sample Data module; once, however often it is called."""
    import SampleData

    known = getattr(slicer.modules, "sampleDataSources", {}).get(_CATEGORY, [])
    if any(source.sampleName == _NAME for source in known):
        return
    logic = SampleData.SampleDataLogic
    if hasattr(logic, "registerCustomSampleDataCategory"):  # Slicer 5.12 and later
        logic.registerCustomSampleDataCategory(_CATEGORY, title=_("MedXAI"))
    thumbnail = Path(__file__).parents[2] / "Resources" / "Icons" / f"{_NAME}.png"
    logic.registerCustomSampleDataSource(
        category=_CATEGORY,
        sampleName=_NAME,
        uris=[],  # made here, so there is nothing to fetch; Slicer counts both lists
        fileNames=[],
        nodeNames=[],
        customDownloader=load_phantom,
        thumbnailFileName=str(thumbnail),
    )


def load_phantom(_source: Any = None) -> "list[slicer.vtkMRMLScalarVolumeNode]":
    """Makes the phantom and puts it into the scene as a CT volume, shown in the slice views."""
    from medxai.scene.geometry import matrix_of
    from medxai.volume.phantom import make_phantom

    volume = make_phantom().volume
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", _("CT abdomen phantom"))
    node.SetIJKToRASMatrix(matrix_of(volume.ijk_to_ras_mm))
    slicer.util.updateVolumeFromArray(node, volume.voxels)
    node.SetAttribute("DICOM.Modality", volume.modality.value)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(400, 40)
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return [node]
