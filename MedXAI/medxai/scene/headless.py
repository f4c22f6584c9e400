"""A real MRML scene without the Slicer application, for the command line and the tests (PyPI's slicer-core)."""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..errors import OutputError

#: Pixels of the three slice views that a saved scene remembers; Slicer adapts them to its own layout.
_VIEW_PX = 512


@contextmanager
def headless_scene() -> Iterator["slicer.vtkMRMLScene"]:
    """A scene with the logics that reading, writing and display need, and Slicer's three slice views.

    It is `slicer.mrmlScene` as long as the context lasts, since parts of `slicer.util` look there.
    """
    before = getattr(slicer, "mrmlScene", None)
    scene = slicer.vtkMRMLScene()
    application = slicer.vtkMRMLApplicationLogic()
    application.SetMRMLScene(scene)
    scene.RegisterNodeClass(slicer.vtkMRMLColorLegendDisplayNode())
    with tempfile.TemporaryDirectory(prefix="medxai-") as cache_folder:
        cache = slicer.vtkCacheManager()
        cache.SetRemoteCacheDirectory(cache_folder)
        scene.SetCacheManager(cache)
        manager = slicer.vtkDataIOManager()
        manager.SetCacheManager(cache)
        scene.SetDataIOManager(manager)
        manager_logic = slicer.vtkDataIOManagerLogic()
        manager_logic.SetMRMLApplicationLogic(application)
        manager_logic.SetAndObserveDataIOManager(manager)
        logics = [
            _logic(name, application, scene)
            for name in (
                "vtkMRMLColorLogic",
                "vtkSlicerSegmentationsModuleLogic",
                "vtkSlicerMarkupsLogic",
                "vtkSlicerVolumesLogic",
            )
        ]
        logics += [_slice_view(scene, name, orientation) for name, orientation in _VIEWS.items()]
        slicer.mrmlScene = scene
        try:
            yield scene
        finally:
            slicer.mrmlScene = before
            for logic in logics:
                logic.SetMRMLScene(None)
            scene.Clear(True)


_VIEWS = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}


def _logic(
    name: str, application: "slicer.vtkMRMLApplicationLogic", scene: "slicer.vtkMRMLScene"
) -> "slicer.vtkMRMLAbstractLogic":
    logic = getattr(slicer, name)()
    logic.SetMRMLApplicationLogic(application)
    logic.SetMRMLScene(scene)
    return logic


def _slice_view(scene: "slicer.vtkMRMLScene", name: str, orientation: str) -> "slicer.vtkMRMLSliceLogic":
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLScene(scene)
    node = logic.AddSliceNode(name)
    node.SetOrientation(orientation)
    node.SetDimensions(_VIEW_PX, _VIEW_PX, 1)
    node.SetFieldOfView(_VIEW_PX, _VIEW_PX, 1)
    return logic


def save_scene_bundle(scene: "slicer.vtkMRMLScene", path: Path) -> None:
    """Writes the scene with all its data as .mrb.

    Raises:
        OutputError: Where it cannot be written.
    """
    path.unlink(missing_ok=True)
    # On a full disk the archive may end early without an error, so its files are read once more.
    if not scene.WriteToMRB(str(path)) or not _is_whole_archive(path):
        raise OutputError(
            f"The scene could not be written to '{path}'; check that the folder can be written and has space."
        )


def _is_whole_archive(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False


def load_scene_bundle(scene: "slicer.vtkMRMLScene", path: Path) -> None:
    """Clears the scene and reads a .mrb into it.

    Raises:
        OutputError: Where it cannot be read.
    """
    if not scene.ReadFromMRB(str(path), True):
        raise OutputError(f"The scene '{path}' cannot be read; it is damaged or not a Slicer scene.")


def picture_of_view(scene: "slicer.vtkMRMLScene", view: str) -> np.ndarray:
    """(rows, columns, 4) uint8: what the slice view composites from its volumes, top row first; no GL is needed."""
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLScene(scene)
    logic.SetSliceNode(scene.GetSingletonNode(view, "vtkMRMLSliceNode"))
    producer = logic.GetImageDataConnection().GetProducer()
    producer.Update()
    image = producer.GetOutput()
    columns, rows, _ = image.GetDimensions()
    picture = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1)[::-1].copy()
    logic.SetMRMLScene(None)
    return picture


@contextmanager
def quiet_vtk() -> Iterator[None]:
    """VTK's messages off: a scene without the application lacks files (terminologies, colours) that it only mentions."""
    verbosity = vtk.vtkLogger.GetCurrentVerbosityCutoff()
    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
    try:
        yield
    finally:
        vtk.vtkLogger.SetStderrVerbosity(verbosity)
