"""Stand-ins for the three widgets of Slicer and CTK that the panel uses, on the real MRML scene."""

import slicer
from PySide6 import QtCore, QtGui, QtWidgets

_HEADER_PX = 24


class SortFilterProxyModel(QtCore.QObject):
    """Only what the combo box asks of Slicer's model: which nodes are left out."""

    mrml_signals = True

    def __init__(self, owner: "NodeComboBox"):
        super().__init__(owner)
        self._owner = owner
        self._hidden: tuple[str, ...] = ()

    def get(self, name: str) -> tuple[str, ...]:
        assert name == "hiddenNodeIDs"
        return self._hidden

    def set(self, name: str, value: object) -> None:
        assert name == "hiddenNodeIDs"
        self._hidden = tuple(value)
        self._owner.refill()


class NodeComboBox(QtWidgets.QComboBox):
    """qMRMLNodeComboBox: the nodes of a scene; every property that MedXAI relies on has to be set in the .ui.

    As late as the real one: while a scene is imported or changed in a batch it does not know the new nodes, so a node
    that is chosen meanwhile is not chosen, and nobody chooses it again afterwards.
    """

    mrml_signals = True
    currentNodeChanged = QtCore.Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._scene = None
        self._tags: list[tuple[object, int]] = []
        tags = self._tags  # a callable without self, which is half gone when the signal comes
        self.destroyed.connect(lambda: [subject.RemoveObserver(tag) for subject, tag in tags])
        self._node = None
        self._listed: list[object] = []
        self._model = SortFilterProxyModel(self)
        self._is_filling = False
        self.activated.connect(self._chosen)

    def get(self, name: str) -> object:
        value = self.property(name)
        if value is None and name not in ("noneDisplay",):
            raise AttributeError(
                f"the property {name!r} of {self.objectName()!r} is not set in the .ui; Slicer's default is easily another one"
            )
        return value

    def set(self, name: str, value: object) -> None:
        self.setProperty(name, value)
        self.refill()

    def sortFilterProxyModel(self) -> SortFilterProxyModel:
        return self._model

    def setMRMLScene(self, scene: "slicer.vtkMRMLScene | None") -> None:
        for name in (
            "nodeTypes",
            "showHidden",
            "showChildNodeTypes",
            "noneEnabled",
            "addEnabled",
            "removeEnabled",
            "renameEnabled",
            "editEnabled",
        ):
            self.get(name)
        for subject, tag in self._tags:
            subject.RemoveObserver(tag)
        self._tags.clear()
        self._scene = scene
        if scene is not None:
            for event in (
                scene.NodeAddedEvent,
                scene.NodeRemovedEvent,
                scene.EndCloseEvent,
                scene.EndImportEvent,
                scene.EndBatchProcessEvent,
            ):
                self._tags.append((scene, scene.AddObserver(event, lambda *_: self.refill())))
        self.refill()

    def currentNode(self) -> "slicer.vtkMRMLNode | None":
        return self._node

    def setCurrentNode(self, node: "slicer.vtkMRMLNode | None") -> None:
        if isinstance(node, str):
            node = self._scene.GetNodeByID(node) if self._scene else None
        if self._is_late():
            node = node if any(node is listed for listed in self._listed) else None
            self._node = node  # quietly: its items come when the batch ends
            return
        if node is not None and node not in self._nodes():
            node = None  # as in Slicer: a node that is not listed cannot be chosen
        self._change(node)

    def _is_late(self) -> bool:
        scene = self._scene
        return scene is not None and (scene.IsClosing() or scene.IsBatchProcessing() or scene.IsImporting())

    def refill(self) -> None:
        """Lists the scene's nodes anew and keeps the choice where it still exists."""
        if self._scene is None or self._is_late():
            if self._scene is not None and self._node is not None and not self._scene.IsNodePresent(self._node):
                self._change(None)
            return
        nodes = self._nodes()
        keep = self._node if self._node in nodes else None
        if keep is None and not self.get("noneEnabled") and nodes:
            keep = nodes[0]
        self._change(keep)

    def _nodes(self) -> "list[slicer.vtkMRMLNode]":
        if self._scene is None:
            return []
        found = []
        for name in self.get("nodeTypes"):
            for index in range(self._scene.GetNumberOfNodesByClass(name)):
                node = self._scene.GetNthNodeByClass(index, name)
                if not self.get("showChildNodeTypes") and node.GetClassName() != name:
                    continue
                if (node.GetHideFromEditors() and not self.get("showHidden")) or node.GetID() in self._model.get(
                    "hiddenNodeIDs"
                ):
                    continue
                found.append(node)
        return found

    def _change(self, node: "slicer.vtkMRMLNode | None") -> None:
        before, self._node = self._node, node
        self._listed = self._nodes()
        self._is_filling = True
        self.clear()
        if self.get("noneEnabled"):
            self.addItem(self.get("noneDisplay") or "None", None)
        for listed in self._nodes():
            self.addItem(listed.GetName(), listed.GetID())
        index = self.findData(node.GetID()) if node is not None else (0 if self.get("noneEnabled") else -1)
        self.setCurrentIndex(index)
        self._is_filling = False
        if before is not node and not self.signalsBlocked():
            self.currentNodeChanged.emit(node)

    def _chosen(self, index: int) -> None:
        self._change(self._scene.GetNodeByID(self.itemData(index)) if self.itemData(index) else None)


class CollapsibleButton(QtWidgets.QWidget):
    """ctkCollapsibleButton: a heading that folds its contents away."""

    mrml_signals = True

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.setContentsMargins(0, _HEADER_PX, 0, 0)
        self._text, self._is_collapsed = "", False

    def get(self, name: str) -> object:
        return {"text": self._text, "collapsed": self._is_collapsed}[name]

    def set(self, name: str, value: object) -> None:
        if name == "text":
            self._text = str(value)
        else:
            self._is_collapsed = bool(value)
            self._fold()
        self.update()

    def event(self, event: QtCore.QEvent) -> bool:
        if event.type() == QtCore.QEvent.Type.DynamicPropertyChange:  # how the .ui's values arrive
            name = event.propertyName().data().decode()
            if name in ("text", "collapsed"):
                self.set(name, self.property(name))
        return super().event(event)

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        self._fold()
        super().showEvent(event)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        if event.position().y() < _HEADER_PX:
            self.set("collapsed", not self._is_collapsed)

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect = QtCore.QRect(0, 0, self.width(), _HEADER_PX - 2)
        option.state |= QtWidgets.QStyle.StateFlag.State_Raised
        self.style().drawControl(QtWidgets.QStyle.ControlElement.CE_PushButtonBevel, option, painter, self)
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(6, 5, 12, 12)
        element = QtWidgets.QStyle.PrimitiveElement
        self.style().drawPrimitive(
            element.PE_IndicatorArrowRight if self._is_collapsed else element.PE_IndicatorArrowDown,
            arrow,
            painter,
            self,
        )
        painter.setPen(self.palette().color(QtGui.QPalette.ColorRole.ButtonText))
        painter.drawText(
            QtCore.QRect(24, 0, self.width() - 24, _HEADER_PX - 2), QtCore.Qt.AlignmentFlag.AlignVCenter, self._text
        )

    def _fold(self) -> None:
        layout = self.layout()
        if layout is None:
            return
        for child in self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly):
            asked = child.property("medxaiHidden")
            if self._is_collapsed:
                if asked is None:
                    child.setProperty("medxaiHidden", child.isHidden())
                child.hide()
            elif asked is not None:
                child.setProperty("medxaiHidden", None)
                child.setHidden(bool(asked))
        self.setMaximumHeight(_HEADER_PX if self._is_collapsed else 16777215)


class MRMLWidget(QtWidgets.QWidget):
    """qMRMLWidget: hands its scene on to the widgets that the .ui connects to it."""

    mrml_signals = True
    mrmlSceneChanged = QtCore.Signal(object)

    def setMRMLScene(self, scene: "slicer.vtkMRMLScene | None") -> None:
        self.mrmlSceneChanged.emit(scene)


class ModuleWidget(MRMLWidget):
    """qSlicerScriptedLoadableModuleWidget: the frame in which a module's panel stands."""

    python_widget = None
    is_entered = False

    def get(self, name: str) -> bool:
        assert name == "isEntered"
        return self.is_entered

    def self(self) -> object:
        """The module's Python widget."""
        return self.python_widget
