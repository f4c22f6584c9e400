"""MedXAI, a scripted module of 3D Slicer: shows why a MedSAM segmentation came out as it did.

Thin on purpose: everything is in MedXAILib, which is imported where it is used, so that the module also loads before
its Python packages are installed.
"""

import sys
import unittest

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class MedXAI(ScriptedLoadableModule):
    """The module's entry in Slicer."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("MedXAI")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = []
        self.parent.contributors = ["The MedXAI founders"]
        self.parent.helpText = _(
            "Draw a box around an organ on a CT or MR slice. MedSAM segments it, and MedXAI shows, layer by layer, what in "
            "the image the model compared. A saliency map shows what influenced the model, not that the model is right."
        )
        self.parent.acknowledgementText = _(
            "MedSAM: Ma et al., Segment anything in medical images (Apache-2.0). Segment Anything: Kirillov et al. (Apache-2.0)."
        )
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    """Puts the phantom into Slicer's Sample Data module."""
    from MedXAILib.panel.sample_data import register

    register()


class MedXAIWidget(ScriptedLoadableModuleWidget):
    """The panel's place in Slicer; everything in it is MedXAILib.panel's."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        self.panel = None

    def setup(self):
        """Builds the whole panel, also where packages are still missing."""
        ScriptedLoadableModuleWidget.setup(self)
        from MedXAILib.panel.panel import Panel

        widget = slicer.util.loadUI(self.resourcePath("UI/MedXAI.ui"))
        self.layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        self.logic = MedXAILogic()
        self.panel = Panel(self.ui, self.logic.getParameterNode, self.resourcePath, self.logic.engine)
        if self.parent.isEntered:  # Slicer enters a module when it is opened, not when it is reloaded
            self.enter()

    def onReload(self):
        """The developer's Reload button: reads all of MedXAI anew, not only this file.

        The library's modules are dropped, not reloaded one by one: reloaded ones would still hold classes of those that
        come after them.
        """
        for name in [name for name in sys.modules if name.partition(".")[0] in ("MedXAILib", "medxai")]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def enter(self):
        """The user opens the module."""
        self.panel.enter()

    def exit(self):
        """The user opens another module."""
        self.panel.exit()

    def cleanup(self):
        """The module is reloaded, or Slicer quits."""
        if self.panel is not None:
            self.panel.close()
            self.panel = None


class MedXAILogic(ScriptedLoadableModuleLogic):
    """MedXAI in Slicer's Python console."""

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self._parameters = None

    def getParameterNode(self):
        """The panel's choices, in the scene; made where they are missing. One wrapper as long as the node is the same."""
        from MedXAILib.panel.parameter_node import MedXAIParameterNode

        node = super().getParameterNode()
        if self._parameters is None or self._parameters.parameterNode is not node:
            self._parameters = MedXAIParameterNode(node)
        return self._parameters

    def explain(
        self,
        volumeNode,
        roiNode,
        sliceNode=None,
        model=None,
        preset="paper",
        window=None,
        modality=None,
        enhanceInput=False,
        layers=None,
        device="auto",
        encoder="exact",
        preparation="default",
        progress=None,
        isCancelled=None,
    ):
        """Segments and explains what an ROI encloses on the slice that a view shows; adds the result to the scene.

        It is the panel's engine: a slice that either has encoded is not encoded again for the other. The work holds
        Slicer up until it is done; its progress stands in the status bar.

        Example:
            >>> logic = MedXAILogic()
            >>> result = logic.explain(slicer.util.getNode("CT"), slicer.util.getNode("R"))
            >>> slicer.util.arrayFromVolume(result.stage_node(3)).max()

        Args:
            volumeNode: Scalar volume, CT or MR; only read.
            roiNode: vtkMRMLMarkupsROINode around the organ, in any orientation, under linear transforms.
            sliceNode: vtkMRMLSliceNode, the view whose slice is explained; None for the Red one.
            model: One of `modelNames`, or a checkpoint file; None for the best model whose weights are here.
            preset: How stage 3 measures distance: 'paper' (from the box's centre) or 'contour' (from its edge).
            window: (level, width); None for CT 40/400, MR by percentiles.
            modality: 'CT', 'MR' or 'picture'; None for what the scene says, else a guess, which is said in the warnings.
            enhanceInput: Whether the model, too, sees the contrast-enhanced slice.
            layers: Names of encoder layers, for example ['block 2', 'block 11', 'neck']; 'all'; None for the usual ones.
            device: 'auto', 'cpu', 'cuda' or 'mps'.
            encoder: How the image encoder is computed: 'exact', 'fast', 'openvino' or 'openvino-fast'.
            preparation: How the slice is prepared: 'default', or 'official' for exactly what the model's authors do.
            progress: Called with (done, total) parts of the work; None for Slicer's status bar.
            isCancelled: Asked between the encoder's blocks; True ends the work.

        Returns:
            medxai.scene.results.SceneResult: `overlays`, `stage_node(n)`, `map_node(key)`, `segmentation_node`,
            `roi_node`, `folder_item`; and `explanation` with the mask, all maps as arrays, the metrics
            (`explanation.concentration`) and `explanation.warnings`. A map shows what influenced the model, not that
            the model is right.

        Raises:
            medxai.errors.MedXAIError: One sentence with cause and remedy; the scene is then as it was.
        """
        from medxai.scene.explaining import NodeRequest, explain_nodes
        from MedXAILib.panel import status_bar

        choices = {"model": model, "device": device, "encoder": encoder, "preparation": preparation, "preset": preset}
        seen = {"window": window, "modality": modality, "enhanceInput": enhanceInput, "layers": layers}
        asked = NodeRequest.of_plain_values(volumeNode, roiNode, sliceNode, **choices, **seen)
        with status_bar.told(progress, isCancelled) as control:
            return explain_nodes(self.engine.get(), asked, control)

    def explainOrgans(
        self,
        volumeNode,
        roiNodes,
        organs=None,
        sliceNode=None,
        model=None,
        preset="paper",
        window=None,
        modality=None,
        enhanceInput=False,
        layers=None,
        device="auto",
        encoder="exact",
        preparation="default",
        progress=None,
        isCancelled=None,
    ):
        """Segments and explains what several ROIs enclose on a view's slice, in one go; adds the result to the scene.

        The slice is encoded once. One segmentation with a segment for each organ, one table of their figures, and each
        organ's maps as volumes with its name.

        Example:
            >>> logic = MedXAILogic()
            >>> regions = [slicer.util.getNode("liver"), slicer.util.getNode("R_1")]
            >>> done = logic.explainOrgans(slicer.util.getNode("CT"), regions, organs=["liver", "right kidney"])
            >>> slicer.util.arrayFromVolume(done.stage_node("right kidney", 3)).max()

        Args:
            volumeNode: Scalar volume, CT or MR; only read.
            roiNodes: A vtkMRMLMarkupsROINode around each organ.
            organs: For each ROI an organ's name (`organNames`) or None; it gives the segment its name, colour and
                terminology. None for all: an ROI that is called like an organ is taken for it, others keep their names.
            sliceNode: vtkMRMLSliceNode, the view whose slice is explained; None for the Red one.
            model: One of `modelNames`, or a checkpoint file; None for the best model whose weights are here.
            preset: How stage 3 measures distance: 'paper' or 'contour'.
            window: (level, width); None for CT 40/400, MR by percentiles.
            modality: 'CT', 'MR' or 'picture'; None for what the scene says, else a guess.
            enhanceInput: Whether the model, too, sees the contrast-enhanced slice.
            layers: Names of encoder layers; 'all'; None for the usual ones.
            device: 'auto', 'cpu', 'cuda' or 'mps'.
            encoder: How the image encoder is computed: 'exact', 'fast', 'openvino' or 'openvino-fast'.
            preparation: How the slice is prepared: 'default', or 'official' for exactly what the model's authors do.
            progress: Called with (done, total) parts of the work; None for Slicer's status bar.
            isCancelled: Asked between the encoder's blocks; True ends the work.

        Returns:
            medxai.scene.organs.SceneOrgansResult: `organs` (each with `organ`, `label` and `explanation`), `overlays`,
            `stage_node(organ, n)`, `segmentation_node`, `table_node`, `roi_nodes`, `folder_item`. A map shows what
            influenced the model, not that the model is right.

        Raises:
            medxai.errors.MedXAIError: One sentence with cause and remedy; the scene is then as it was.
        """
        from medxai.scene.explaining import NodeRequest
        from medxai.scene.organs import explain_organ_nodes
        from MedXAILib.panel import status_bar

        choices = {"model": model, "device": device, "encoder": encoder, "preparation": preparation, "preset": preset}
        seen = {"window": window, "modality": modality, "enhanceInput": enhanceInput, "layers": layers}
        asked = NodeRequest.of_plain_values(volumeNode, None, sliceNode, **choices, **seen)
        with status_bar.told(progress, isCancelled) as control:
            return explain_organ_nodes(self.engine.get(), asked, roiNodes, organs, control)

    def explainVolume(
        self,
        volumeNode,
        roiNode,
        sliceNode=None,
        slices=None,
        maps=None,
        model=None,
        window=None,
        modality=None,
        device="auto",
        encoder="exact",
        progress=None,
        isCancelled=None,
    ):
        """Follows what an ROI encloses on a view's slice through the slices of the volume; adds the result to the scene.

        One segment and one volume node a map, on the volume's grid. It stops where the organ ends or the mask drifts,
        and says so; scroll through all slices.

        Example:
            >>> logic = MedXAILogic()
            >>> done = logic.explainVolume(slicer.util.getNode("CT"), slicer.util.getNode("R"))
            >>> print([stop.sentence for stop in done.result.stops])

        Args:
            volumeNode: Scalar volume, CT or MR; only read.
            roiNode: vtkMRMLMarkupsROINode around the organ on the view's slice.
            sliceNode: vtkMRMLSliceNode, the view whose slice the way begins on; None for the Red one.
            slices: (first, last) voxel indexes, inclusive; 'roi' for those that the ROI reaches; None: as far as it goes.
            maps: For example ['stage3', 'interaction']; None for stage 3.
            model: One of `modelNames`, or a checkpoint file; None for the best model whose weights are here.
            window: (level, width); None for CT 40/400, MR by percentiles.
            modality: 'CT', 'MR' or 'picture'; None for what the scene says, else a guess.
            device: 'auto', 'cpu', 'cuda' or 'mps'.
            encoder: As for `explain`.
            progress: Called with (done, total) slices, total at most; None for Slicer's status bar.
            isCancelled: Asked between the encoder's blocks; True ends the work, and the slices that are done are shown.

        Returns:
            medxai.scene.through_slices.SceneVolumeResult: `result` (mask, maps, slices, stops, alarms), `overlays`,
            `segmentation_node`, `marks_node` (a point on each slice with an alarm), `folder_item`. A map shows what
            influenced the model, not that the model is right.

        Raises:
            medxai.errors.MedXAIError: One sentence with cause and remedy; the scene is then as it was.
        """
        from medxai.scene.explaining import NodeRequest
        from medxai.scene.through_slices import VolumeNodeRequest, explain_volume_nodes
        from MedXAILib.panel import status_bar

        choices = {"model": model, "device": device, "encoder": encoder, "window": window, "modality": modality}
        nodes = NodeRequest.of_plain_values(volumeNode, roiNode, sliceNode, **choices)
        asked = VolumeNodeRequest.of_plain_values(nodes, slices, maps)
        with status_bar.told(progress, isCancelled) as control:
            return explain_volume_nodes(self.engine.get(), asked, control)

    def explainOrganVolumes(
        self,
        volumeNode,
        roiNodes,
        organs=None,
        sliceNode=None,
        slices=None,
        maps=None,
        model=None,
        window=None,
        modality=None,
        device="auto",
        encoder="exact",
        progress=None,
        isCancelled=None,
    ):
        """Follows what several ROIs enclose on a view's slice through the slices of the volume; adds the result to the scene.

        Each slice is encoded once for all organs. One segmentation with a segment for each, and each organ's maps as volumes.

        Example:
            >>> logic = MedXAILogic()
            >>> kidneys = [slicer.util.getNode("R_1"), slicer.util.getNode("R_2")]
            >>> done = logic.explainOrganVolumes(slicer.util.getNode("CT"), kidneys, organs=["right kidney", "left kidney"])
            >>> print([stop.sentence for one in done.organs for stop in one.result.stops])

        Args:
            volumeNode: Scalar volume, CT or MR; only read.
            roiNodes: A vtkMRMLMarkupsROINode around each organ on the view's slice.
            organs: As for `explainOrgans`.
            sliceNode: vtkMRMLSliceNode, the view whose slice the ways begin on; None for the Red one.
            slices: As for `explainVolume`.
            maps: As for `explainVolume`.
            model: One of `modelNames`, or a checkpoint file; None for the best model whose weights are here.
            window: (level, width); None for CT 40/400, MR by percentiles.
            modality: 'CT', 'MR' or 'picture'; None for what the scene says, else a guess.
            device: 'auto', 'cpu', 'cuda' or 'mps'.
            encoder: As for `explain`.
            progress: Called with (done, total) slices of all organs, total at most; None for Slicer's status bar.
            isCancelled: Asked between the encoder's blocks; True ends the work, and the slices that are done are shown.

        Returns:
            medxai.scene.through_slices.SceneOrganVolumesResult: `organs` (each with `organ`, `label` and `result`), `overlays`
            by organ and map, `segmentation_node`, `marks_node`, `folder_item`. A map shows what influenced the model, not
            that the model is right.

        Raises:
            medxai.errors.MedXAIError: One sentence with cause and remedy; the scene is then as it was.
        """
        from medxai.scene.explaining import NodeRequest
        from medxai.scene.through_slices import VolumeNodeRequest, explain_organ_volume_nodes
        from MedXAILib.panel import status_bar

        choices = {"model": model, "device": device, "encoder": encoder, "window": window, "modality": modality}
        nodes = NodeRequest.of_plain_values(volumeNode, None, sliceNode, **choices)
        asked = VolumeNodeRequest.of_plain_values(nodes, slices, maps)
        with status_bar.told(progress, isCancelled) as control:
            return explain_organ_volume_nodes(self.engine.get(), asked, roiNodes, organs, control)

    @property
    def engine(self):
        """The engine of panel and console (MedXAILib.session.shared_engine.SharedEngine), one in all of Slicer."""
        from MedXAILib.session.shared_engine import engine_of_process

        return engine_of_process()

    def modelNames(self):
        """The names that `explain` takes as model, in the order of the panel's list."""
        from medxai.models.registry import checkpoints

        return [entry.name for entry in checkpoints()]

    def organNames(self):
        """The names that `explainOrgans` takes as organs."""
        from medxai.organ_codes import ORGANS

        return list(ORGANS)

    def explainerNames(self):
        """The keys of all explainers that are installed: MedXAI's own, the baselines, the comparison methods."""
        from medxai.explainers.registry import why_not

        return [name for name, reason in why_not().items() if not reason]

    def freeMemory(self):
        """Forgets the loaded model and all cached encodings, those of the panel too."""
        self.engine.free()


class MedXAITest(ScriptedLoadableModuleTest):
    """Runs the cases of MedXAILib/panel/self_test_features.py inside Slicer: every feature that a user can see."""

    def runTest(self):
        """All cases, each in an empty scene."""
        from MedXAILib.panel.self_test_features import FeatureCases

        class Cases(FeatureCases, unittest.TestCase):
            def setUp(self):
                slicer.mrmlScene.Clear(0)

            def logic(self):
                return MedXAILogic()

            def widget(self):
                widget = slicer.util.getModuleWidget("MedXAI")
                widget.enter()
                return widget

        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(Cases).run(result)
        problems = [report for _case, report in [*result.failures, *result.errors]]
        self.assertTrue(
            result.wasSuccessful(), f"{len(problems)} of {result.testsRun} cases failed:\n" + "\n".join(problems)
        )
        self.delayDisplay(f"{result.testsRun} cases passed")
