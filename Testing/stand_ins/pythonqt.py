"""PythonQt's way of speaking to Qt objects, on PySide6: properties are attributes, signals are named by their C++ signature.

A stand-in wraps a real Qt object. What is not in `surface.py` raises AttributeError, reading as well as writing.
"""

from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore, QtUiTools, QtWidgets

from .surface import Surface, whole


class StandIn:
    """Base of all stand-ins; subclasses are made by `stand_in_for`."""

    surface: Surface = Surface()
    qt_class: type | None = None

    def __init__(self, *arguments: Any):
        object.__setattr__(self, "_real", self.qt_class(*map(unwrapped, arguments)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        surface, real = self.surface, self._alive()
        if name == "name":  # PythonQt's own word for objectName
            name = "objectName"
        if name in surface.properties:
            return self._read(real, name)
        if name in surface.methods:
            return lambda *arguments: wrapped(self._call(real, name, [unwrapped(a) for a in arguments]))
        for signature in surface.signals:
            if signature.partition("(")[0] == name:
                return _Signal(real, signature)
        raise AttributeError(f"{type(self).__name__} has no {name!r} in the surface that MedXAI may use")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.surface.properties:
            raise AttributeError(f"{type(self).__name__} has no property {name!r} in the surface that MedXAI may use")
        self._write(self._alive(), name, unwrapped(value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StandIn) and other._real is self._real

    def __hash__(self) -> int:
        return hash(self._real)

    def __bool__(self) -> bool:
        return True

    def connect(self, signature: str, slot: Callable) -> None:
        """Connects a signal, given by its C++ signature."""
        self._signal(signature).connect(slot)

    def disconnect(self, signature: str, slot: Callable) -> None:
        """Ends a connection; raises where there is none."""
        self._signal(signature).disconnect(slot)

    def _signal(self, signature: str) -> "_Signal":
        if signature not in self.surface.signals:
            raise AttributeError(
                f"{type(self).__name__} has no signal {signature!r} in the surface that MedXAI may use"
            )
        return _Signal(self._alive(), signature)

    def _alive(self) -> Any:
        real = object.__getattribute__(self, "_real")
        if isinstance(real, QtCore.QObject) and not shiboken6.isValid(real):
            raise ValueError(f"the C++ object of this {type(self).__name__} was deleted")
        return real

    def _read(self, real: Any, name: str) -> Any:
        if name == "visible":
            return not real.isHidden()  # off screen nothing has been shown yet, so what counts is what was asked for
        if real.metaObject().indexOfProperty(name) < 0:
            raise AttributeError(f"Qt's {type(self).__name__} has no property {name!r}")
        return real.property(name)

    def _write(self, real: Any, name: str, value: Any) -> None:
        meta = real.metaObject()
        index = meta.indexOfProperty(name)
        if index < 0 or not meta.property(index).isWritable():
            raise AttributeError(f"Qt's {type(self).__name__} has no writable property {name!r}")
        if not real.setProperty(name, value):
            raise ValueError(f"{type(self).__name__}.{name} does not take {value!r}")

    def _call(self, real: Any, name: str, arguments: list) -> Any:
        if name == "className":
            return real.metaObject().className()
        return getattr(real, name)(*arguments)


class _Signal:
    def __init__(self, real: QtCore.QObject, signature: str):
        name, _, types = signature.partition("(")
        first = types.rstrip(")").split(",")[0]
        bound = getattr(real, name)
        if not hasattr(real, "mrml_signals") or name not in vars(type(real)):  # else it is a stand-in's own, of Python
            normalized = bytes(QtCore.QMetaObject.normalizedSignature(signature)).decode()
            # PySide names timeout() with its hidden argument.
            if (
                real.metaObject().indexOfSignal(normalized) < 0
                and real.metaObject().indexOfSignal(f"{name}(QPrivateSignal)") < 0
            ):
                raise AttributeError(f"Qt's {type(real).__name__} has no signal {signature!r}")
            python_type = {"int": int, "bool": bool}.get(first)
            bound = bound[python_type] if python_type else bound
        self._bound = bound

    def connect(self, slot: Callable) -> None:
        self._bound.connect(slot)

    def disconnect(self, slot: Callable) -> None:
        self._bound.disconnect(slot)


_CLASSES: dict[str, type[StandIn]] = {}


def stand_in_for(name: str, qt_class: type, base: type[StandIn] = StandIn) -> type[StandIn]:
    """The stand-in class of a name in `surface.py`, wrapping objects of a Qt class."""
    made = type(name, (base,), {"surface": whole(name), "qt_class": qt_class, "__module__": "stand_ins"})
    _CLASSES[name] = made
    return made


def known_class(qt_name: str, stand_in: type[StandIn]) -> None:
    """Objects of a Qt class of that name get this stand-in too."""
    _CLASSES[qt_name] = stand_in


def wrapped(value: Any) -> Any:
    """A Qt object in its stand-in; lists element by element; anything else as it is."""
    if isinstance(value, list):
        return [wrapped(v) for v in value]
    if not isinstance(value, QtCore.QObject):
        return value
    for cls in type(value).__mro__:
        stand_in = _CLASSES.get(cls.__name__)
        if stand_in is not None:
            it = stand_in.__new__(stand_in)
            object.__setattr__(it, "_real", value)
            return it
    return value


def unwrapped(value: Any) -> Any:
    """The Qt object behind a stand-in; anything else as it is."""
    return value._alive() if isinstance(value, StandIn) else value


class UiLoader(QtUiTools.QUiLoader):
    """Builds a .ui with the stand-ins' own classes for Slicer's widgets, and wires its MRML connections."""

    custom: dict[str, type] = {}

    def createWidget(
        self, class_name: str, parent: QtWidgets.QWidget | None = None, name: str = ""
    ) -> QtWidgets.QWidget:
        if class_name in self.custom:
            widget = self.custom[class_name](parent)
            widget.setObjectName(name)
            return widget
        if class_name not in _CLASSES:
            raise AttributeError(f"the .ui uses {class_name}, which is not in the surface that MedXAI may use")
        return super().createWidget(class_name, parent, name)
