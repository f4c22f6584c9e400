"""Where the tests of the open panel draw their box, and the node that shows a map."""

import slicer

from medxai.scene.working_result import find_working
from medxai.slice.box import PixelBox
from stand_ins.panel_bench import PanelBench

BOX = PixelBox(20, 18, 44, 42)


def overlay(bench: PanelBench, map_key: str | None = None) -> "slicer.vtkMRMLScalarVolumeNode":
    """The node that holds a map of the chosen volume and region; default: the map that is shown."""
    found = find_working(bench.parameters.volume, bench.parameters.region)
    return found.overlays[map_key or bench.state.view.map_key]
