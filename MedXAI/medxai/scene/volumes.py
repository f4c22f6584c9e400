"""A scene's volume node as a `Volume`."""

from pathlib import Path

import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..errors import InputError
from ..volume.file_facts import KnownPlace, known_place_of
from ..volume.volume import Modality, ModalitySource, ScanFacts, Volume, make_volume
from .geometry import array_of, world_from_node

#: Attribute of a volume node: 'orientation', 'spacing', or both, where the scan's file did not say them.
_UNKNOWN = "MedXAI.Unknown"
_NO_ORIENTATION = "The volume's file does not say how it lies in the patient, so its orientation is not known."
_NO_SPACING = "The volume's file does not say how large a voxel is, so no millimetres are shown."


def volume_of(volume_node: "slicer.vtkMRMLScalarVolumeNode", modality: Modality | str | None = None) -> Volume:
    """The node's voxels (a view, never written to) with its own IJK to RAS; a parent transform is not applied.

    Maps go back into the scene under the same parent transform, so the volume's own frame is all that is needed.

    Args:
        volume_node: A scalar volume.
        modality: The kind of scan; None: what the scene or the values tell.

    Raises:
        InputError: For no volume, a colour or label volume, an empty one, or one under a non-linear transform.
    """
    if volume_node is None:
        raise InputError("No volume is chosen; choose a CT or MR volume first.")
    if not volume_node.IsA("vtkMRMLScalarVolumeNode") or volume_node.IsA("vtkMRMLVectorVolumeNode"):
        raise InputError(f"'{volume_node.GetName()}' is not a scalar volume; choose a CT or MR volume.")
    if volume_node.IsA("vtkMRMLLabelMapVolumeNode"):
        raise InputError(f"'{volume_node.GetName()}' is a label map; choose the CT or MR volume that it belongs to.")
    image = volume_node.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0:
        raise InputError(f"'{volume_node.GetName()}' holds no voxels; load it again.")
    if image.GetNumberOfScalarComponents() != 1:
        raise InputError(
            f"'{volume_node.GetName()}' is a colour volume, but MedXAI needs one value a voxel; convert it to a scalar volume first."
        )
    world_from_node(volume_node)
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    shape = tuple(reversed(image.GetDimensions()))
    voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(shape).view()
    voxels.setflags(write=False)
    known = _known_place(volume_node)
    found = modality_in_scene(volume_node) if modality is None else None
    if modality is None and found is None and known.is_picture:
        found = Modality.PICTURE
    facts = ScanFacts(
        modality_source=ModalitySource.GIVEN if found is None else ModalitySource.SCENE,
        has_known_orientation=known.has_orientation,
        has_known_spacing=known.has_spacing,
        notes=(*(() if known.has_orientation else (_NO_ORIENTATION,)), *(() if known.has_spacing else (_NO_SPACING,))),
    )
    return make_volume(volume_node.GetName(), voxels, array_of(matrix), modality or found, facts)


def note_what_is_known(volume_node: "slicer.vtkMRMLScalarVolumeNode", facts: ScanFacts) -> None:
    """Keeps on the node what a scene cannot say else: what the scan's file left open, and a modality that it named."""
    unknown = [
        name
        for name, is_known in (("orientation", facts.has_known_orientation), ("spacing", facts.has_known_spacing))
        if not is_known
    ]
    if unknown:
        volume_node.SetAttribute(_UNKNOWN, " ".join(unknown))
    if facts.modality_source is ModalitySource.FILE:
        volume_node.SetAttribute("DICOM.Modality", facts.modality.value)


def _known_place(volume_node: "slicer.vtkMRMLScalarVolumeNode") -> KnownPlace:
    """What the file said that the volume came from, unless the volume was changed since, and what MedXAI noted itself."""
    unknown = (volume_node.GetAttribute(_UNKNOWN) or "").split()
    storage = volume_node.GetStorageNode()
    known = KnownPlace()
    if storage is not None and storage.GetFileName() and not volume_node.GetModifiedSinceRead():
        known = known_place_of(Path(storage.GetFileName()))
    return KnownPlace(
        known.has_orientation and "orientation" not in unknown,
        known.has_spacing and "spacing" not in unknown,
        known.is_picture,
    )


def modality_in_scene(volume_node: "slicer.vtkMRMLScalarVolumeNode") -> Modality | None:
    """The modality that Slicer's DICOM import noted; None where the scene does not say.

    The import sets it on the volume's item in the subject hierarchy; a copy of a volume has it on no item of its own. The
    node's attribute is what MedXAI itself writes (sample data, scenes of the command line).
    """
    named = _item_modality(volume_node) or volume_node.GetAttribute("DICOM.Modality")
    if not named:
        return None
    named = named.strip().upper()
    return {"CT": Modality.CT, "MR": Modality.MR, "PICTURE": Modality.PICTURE}.get(named, Modality.OTHER)


def _item_modality(volume_node: "slicer.vtkMRMLScalarVolumeNode") -> str:
    scene = volume_node.GetScene()
    # Asking for 'the' hierarchy would make one where there is none.
    if scene is None or scene.GetFirstNodeByClass("vtkMRMLSubjectHierarchyNode") is None:
        return ""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.GetItemByDataNode(volume_node)
    return hierarchy.GetItemAttribute(item, "DICOM.Modality") if item else ""
