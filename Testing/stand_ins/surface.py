"""Every property, signal and method of Qt, CTK and Slicer widgets that MedXAI uses, and nothing else.

The stand-ins offer exactly this and raise on anything more, so the list is complete; `test_panel_surface.py` compares it
with Qt's own meta objects, and with the headers of Slicer and CTK where a checkout of their sources is at hand.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Surface:
    """What one class offers to Python. bases: surfaces that it takes over. header: in Slicer's or CTK's sources."""

    properties: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    header: str = ""


_OBJECT = Surface(
    properties=("objectName",), methods=("children", "className", "property", "blockSignals", "isWidgetType")
)
_WIDGET = Surface(
    properties=("enabled", "visible", "toolTip", "accessibleName", "minimumWidth"),
    methods=("setLayout", "layout"),
    bases=("QObject",),
)

SURFACES = {
    "QObject": _OBJECT,
    "QWidget": _WIDGET,
    "QFrame": Surface(bases=("QWidget",)),
    "QLabel": Surface(properties=("text",), bases=("QFrame",)),
    "QAbstractButton": Surface(
        properties=("text", "checked", "icon"),
        signals=("clicked(bool)", "toggled(bool)"),
        methods=("click",),
        bases=("QWidget",),
    ),
    "QPushButton": Surface(properties=("default",), bases=("QAbstractButton",)),
    "QToolButton": Surface(bases=("QAbstractButton",)),
    "QCheckBox": Surface(signals=("stateChanged(int)",), bases=("QAbstractButton",)),
    "QComboBox": Surface(
        properties=("currentIndex", "count"),
        signals=("activated(int)",),
        methods=("addItem", "clear", "itemData", "itemText", "setItemData", "findData"),
        bases=("QWidget",),
    ),
    "QSlider": Surface(
        properties=("value", "maximum", "minimum"),
        signals=("valueChanged(int)",),
        methods=("setRange", "setMinimum", "setMaximum"),
        bases=("QWidget",),
    ),
    "QSpinBox": Surface(properties=("value",), signals=("valueChanged(int)",), bases=("QWidget",)),
    "QProgressBar": Surface(properties=("value", "maximum"), bases=("QWidget",)),
    "QVBoxLayout": Surface(methods=("addWidget",), bases=("QObject",)),
    "QTimer": Surface(
        properties=("active", "interval"),
        signals=("timeout()",),
        methods=("start", "stop", "setInterval", "setSingleShot"),
        bases=("QObject",),
    ),
    "QFile": Surface(methods=("exists", "open"), bases=("QObject",)),
    "QUiLoader": Surface(methods=("load",), bases=("QObject",)),
    "QSettings": Surface(methods=("value", "setValue", "contains", "remove"), bases=("QObject",)),
    "QIcon": Surface(),
    "QKeySequence": Surface(),
    "QShortcut": Surface(properties=("enabled",), signals=("activated()",), methods=("setKey",), bases=("QObject",)),
    "QFileDialog": Surface(methods=("getExistingDirectory", "getOpenFileName")),
    "qMRMLWidget": Surface(
        signals=("mrmlSceneChanged(vtkMRMLScene*)",),
        methods=("setMRMLScene",),
        bases=("QWidget",),
        header="Libs/MRML/Widgets/qMRMLWidget.h",
    ),
    "qMRMLNodeComboBox": Surface(
        properties=(
            "nodeTypes",
            "showHidden",
            "showChildNodeTypes",
            "noneEnabled",
            "addEnabled",
            "removeEnabled",
            "renameEnabled",
            "editEnabled",
            "noneDisplay",
        ),
        signals=("currentNodeChanged(vtkMRMLNode*)",),
        methods=("setMRMLScene", "setCurrentNode", "currentNode", "sortFilterProxyModel"),
        bases=("QWidget",),
        header="Libs/MRML/Widgets/qMRMLNodeComboBox.h",
    ),
    "qMRMLSortFilterProxyModel": Surface(
        properties=("hiddenNodeIDs",), bases=("QObject",), header="Libs/MRML/Widgets/qMRMLSortFilterProxyModel.h"
    ),
    "ctkCollapsibleButton": Surface(
        properties=("collapsed", "text"), bases=("QWidget",), header="Libs/Widgets/ctkCollapsibleButton.h"
    ),
    "qSlicerAbstractModuleWidget": Surface(
        properties=("isEntered",), bases=("QWidget",), header="Base/QTGUI/qSlicerAbstractModuleWidget.h"
    ),
    "qSlicerScriptedLoadableModuleWidget": Surface(
        methods=("self",),
        bases=("qSlicerAbstractModuleWidget",),
        header="Base/QTGUI/qSlicerScriptedLoadableModuleWidget.h",
    ),
}


def whole(name: str) -> Surface:
    """A class's surface with those that it takes over."""
    own = SURFACES[name]
    parts = [whole(base) for base in own.bases]
    return Surface(
        tuple(dict.fromkeys([*own.properties, *(p for part in parts for p in part.properties)])),
        tuple(dict.fromkeys([*own.signals, *(s for part in parts for s in part.signals)])),
        tuple(dict.fromkeys([*own.methods, *(m for part in parts for m in part.methods)])),
        own.bases,
        own.header,
    )
