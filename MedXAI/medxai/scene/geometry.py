"""Frames in a scene: world (RAS), a node's own frame under its parent transform, and IJK."""

import numpy as np
import slicer
import vtk

from ..errors import InputError


def array_of(matrix: vtk.vtkMatrix4x4) -> np.ndarray:
    """(4, 4) copy of a VTK matrix."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def matrix_of(array: np.ndarray) -> vtk.vtkMatrix4x4:
    """A VTK matrix of a (4, 4) array."""
    matrix = vtk.vtkMatrix4x4()
    for row in range(4):
        for column in range(4):
            matrix.SetElement(row, column, float(array[row, column]))
    return matrix


def world_from_node(node: "slicer.vtkMRMLTransformableNode") -> np.ndarray:
    """The matrix from a node's own frame to world, through all its parent transforms.

    Returns:
        (4, 4), millimetres.

    Raises:
        InputError: Where one of the transforms is not linear.
    """
    transform = node.GetParentTransformNode()
    if transform is None:
        return np.eye(4)
    if not transform.IsTransformToWorldLinear():
        raise InputError(
            f"'{node.GetName()}' lies under the non-linear transform '{transform.GetName()}', on which a slice is no plane; harden the transform on a copy first."
        )
    matrix = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(matrix)
    return array_of(matrix)


def world_from_ijk(volume_node: "slicer.vtkMRMLVolumeNode") -> np.ndarray:
    """(4, 4): voxel index (i, j, k, 1) to world (RAS, mm), parent transforms included."""
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return world_from_node(volume_node) @ array_of(matrix)
