"""`slicer.parameterNodeWrapper` for the types that MedXAI's parameter node has, on the real vtkMRMLScriptedModuleNode.

With MEDXAI_SLICER_SOURCE set to a checkout of Slicer's sources, `install` takes Slicer's own wrapper instead.
"""

import typing
from collections.abc import Callable
from typing import Any

import slicer
import vtk

_PROPERTY = "SlicerParameterName"


class WithinRange:
    """Annotation: a number within bounds; a value outside raises ValueError."""

    def __init__(self, minimum: float, maximum: float):
        self.minimum, self.maximum = minimum, maximum

    def check(self, value: float) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value} is not within {self.minimum} and {self.maximum}")


def parameterNodeWrapper(cls: type) -> type:
    """Makes the annotated fields of a class properties that live in a parameter node."""
    fields = typing.get_type_hints(cls, include_extras=True)
    for name, annotation in fields.items():
        default = getattr(cls, name, None)
        setattr(cls, name, property(*_accessors(name, annotation, default)))
    cls.__init__ = _init
    cls._fields = fields
    for method in (connectGui, disconnectGui, AddObserver, RemoveObserver, StartModify, EndModify, Modified):
        setattr(cls, method.__name__, method)
    return cls


def _accessors(name: str, annotation: Any, default: Any) -> tuple[Callable, Callable]:
    base, checks = annotation, ()
    if typing.get_origin(annotation) is typing.Annotated:
        base, *checks = typing.get_args(annotation)
    if isinstance(base, type) and issubclass(base, slicer.vtkMRMLNode):
        return (
            lambda self: self.parameterNode.GetNodeReference(name),
            lambda self, node: self.parameterNode.SetNodeReferenceID(name, node.GetID() if node else None),
        )
    if base not in (str, bool, int):
        raise TypeError(f"the stand-in has no {base} parameter")

    def read(self: Any) -> Any:
        node = self.parameterNode
        text = node.GetParameter(name) if name in node.GetParameterNames() else None
        if text is None:
            return default
        return text == "True" if base is bool else base(text)

    def write(self: Any, value: Any) -> None:
        if not isinstance(value, base):
            raise TypeError(f"{name} takes {base.__name__}, not {value!r}")
        for check in checks:
            check.check(value)
        self.parameterNode.SetParameter(name, str(value))

    return read, write


def _init(self: Any, node: "slicer.vtkMRMLScriptedModuleNode") -> None:
    self.parameterNode = node
    self._connected: dict[int, tuple[list, int]] = {}
    for name in self._fields:
        value = getattr(self, name)
        if isinstance(value, (str, bool, int)):
            setattr(self, name, value)


def connectGui(self: Any, ui: object) -> int:
    """Binds every widget with the dynamic property SlicerParameterName, both ways; returns a tag."""
    bindings = []
    for widget in list(vars(ui).values()):
        name = widget.property(_PROPERTY)
        if name:
            if name not in self._fields:
                raise ValueError(f"the .ui names a parameter {name!r} that the parameter node does not have")
            bindings.append(_Binding(self, name, widget))
    tag = self.parameterNode.AddObserver(
        vtk.vtkCommand.ModifiedEvent, lambda *_: [binding.show() for binding in bindings]
    )
    for binding in bindings:
        binding.show()
        binding.listen(True)
    self._connected[tag] = (bindings, tag)
    return tag


def disconnectGui(self: Any, tag: int) -> None:
    """Ends a binding."""
    bindings, observer = self._connected.pop(tag)
    self.parameterNode.RemoveObserver(observer)
    for binding in bindings:
        binding.listen(False)


class _Binding:
    SIGNALS = {
        "QCheckBox": "stateChanged(int)",
        "QSlider": "valueChanged(int)",
        "qMRMLNodeComboBox": "currentNodeChanged(vtkMRMLNode*)",
    }

    def __init__(self, wrapper: Any, name: str, widget: Any):
        self.wrapper, self.name, self.widget = wrapper, name, widget
        self.kind = type(widget).__name__
        self.is_showing = False
        if self.kind not in self.SIGNALS:
            raise TypeError(f"Slicer cannot bind a {self.kind} to the parameter {name!r}")
        if self.kind == "QSlider":
            bounds = typing.get_args(wrapper._fields[name])[1]
            widget.setRange(bounds.minimum, bounds.maximum)

    def listen(self, is_on: bool) -> None:
        (self.widget.connect if is_on else self.widget.disconnect)(self.SIGNALS[self.kind], self._take)

    def show(self) -> None:
        self.is_showing = True
        try:
            value = getattr(self.wrapper, self.name)
            if self.kind == "QCheckBox":
                self.widget.checked = value
            elif self.kind == "QSlider":
                self.widget.value = value
            else:
                self.widget.setCurrentNode(value)
        finally:
            self.is_showing = False

    def _take(self, *_arguments: object) -> None:
        if self.is_showing:
            return
        widget = self.widget
        value = (
            widget.checked
            if self.kind == "QCheckBox"
            else widget.value
            if self.kind == "QSlider"
            else widget.currentNode()
        )
        setattr(self.wrapper, self.name, value)


def AddObserver(self: Any, event: int, callback: Callable, priority: float = 0.0) -> int:
    return self.parameterNode.AddObserver(event, callback, priority)


def RemoveObserver(self: Any, tag: int) -> None:
    self.parameterNode.RemoveObserver(tag)


def StartModify(self: Any) -> int:
    return self.parameterNode.StartModify()


def EndModify(self: Any, was_modifying: int) -> None:
    self.parameterNode.EndModify(was_modifying)


def Modified(self: Any) -> None:
    self.parameterNode.Modified()
