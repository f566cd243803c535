"""What a detector looks for: which geoms of a task show an object, a goal, or what else matters.

Three classes serve every task, so that one detector does. They follow from the scene alone: what
moves on joints and is no hand is an object, what an episode places is a goal.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import mujoco
import numpy as np

from envs.arrays import BoolArray, IntArray
from envs.pictures.appearance import geom_rgba
from envs.pictures.scene import PictureModel, visible_geoms

OBJECT, OTHER, GOAL = "object", "other", "goal"
CLASSES: tuple[str, ...] = (OBJECT, OTHER, GOAL)
"""The first object of a task; its further ones, or else the mark that shows how the first is
turned; and its goals."""
POSE_FIELDS = ("body_pos", "body_quat")
SAME_COLOUR = 3
"""Decimals to which equal colours agree."""


@dataclass(frozen=True)
class Part:
    """One thing that has a box of its own.

    Attributes:
        kind: One of `CLASSES`.
        geoms: Its geoms, ids of the model that is drawn.
    """

    kind: str
    geoms: IntArray


def parts_of(drawn: PictureModel) -> list[Part]:
    """Return what a detector looks for in pictures of a task."""
    scene = _Scene(drawn)
    objects, goals = list(scene.objects()), list(scene.goals())
    parts = [Part(OTHER if k else OBJECT, geoms) for k, (_, geoms) in enumerate(objects)]
    if len(objects) == 1:
        parts += [Part(OTHER, mark) for mark in scene.marks(*objects[0])]
    return parts + [Part(GOAL, geoms) for geoms in goals]


class _Scene:
    """The visible geoms of a task's scene that are neither a hand's nor the room's."""

    def __init__(self, drawn: PictureModel) -> None:
        task, model = drawn.task, drawn.model
        self._drawn, self._model = drawn, model
        hands = model.body_rootid[task.model.dof_bodyid[task.hand.dof]]
        of_hand: BoolArray = np.isin(model.body_rootid, hands)
        body = model.geom_bodyid
        self._shown: BoolArray = visible_geoms(model) & ~of_hand[body]
        self._unit: IntArray = model.body_weldid[body]  # bodies without a joint between them
        self._fields = [part.name for part in task.fields() if part.pictured]

    def objects(self) -> Iterator[tuple[int, IntArray]]:
        """Yield what moves on joints, in the order of the scene: a body, and its geoms."""
        for unit in np.unique(self._unit[self._shown]).tolist():
            if self._model.body_dofnum[unit]:
                yield unit, np.flatnonzero(self._shown & (self._unit == unit))

    def goals(self) -> Iterator[IntArray]:
        """Yield the geoms of each goal.

        A goal is what every episode places anew and what carries no object. Where a pictured field
        names one of them, as `hole_offset` does, the others are no goals.
        """
        placed = [body for body in self._placed_bodies() if not self._carries(body)]
        named = [body for body in placed if self._is_named(self._model.body(body).name)]
        for body in named or placed:
            geoms = np.flatnonzero(self._shown & (self._model.geom_bodyid == body))
            if len(geoms):
                yield geoms
        fixed = self._model.body_dofnum[self._unit] == 0
        changed = [k for name, k in self._drawn.changes.items() if name.startswith("geom_")]
        yield from (np.array([geom]) for geom in changed if self._shown[geom] and fixed[geom])

    def marks(self, body: int, geoms: IntArray) -> Iterator[IntArray]:
        """Yield the mark of an object, if it has one, without which its angle cannot be told.

        It is the colour of the object whose geoms are, on average, farthest from its axis.
        """
        model = self._model
        places = model.geom_pos[geoms].copy()
        joint = model.body_jntadr[body]
        if model.body_jntnum[body] == 1 and model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE:
            places -= model.jnt_pos[joint]
            places -= np.outer(places @ model.jnt_axis[joint], model.jnt_axis[joint])
        colours = geom_rgba(model)[geoms, :3].round(SAME_COLOUR)
        kinds, colour = np.unique(colours, axis=0, return_inverse=True)
        if len(kinds) > 1:
            groups = [colour.ravel() == k for k in range(len(kinds))]
            yield geoms[max(groups, key=lambda group: np.linalg.norm(places[group].mean(axis=0)))]

    def _placed_bodies(self) -> list[int]:
        """Return the bodies whose pose is a variable of the episode and that do not move."""
        model = self._model
        placed = model.body_mocapid >= 0
        placed[[k for name, k in self._drawn.changes.items() if name in POSE_FIELDS]] = True
        jointless = model.body_dofnum[model.body_weldid] == 0
        return [int(body) for body in np.flatnonzero(placed & jointless)]

    def _carries(self, body: int) -> bool:
        """Return whether anything below a body moves on joints."""
        model, below = self._model, {body}
        for child in range(body + 1, model.nbody):  # children come after their parents
            if int(model.body_parentid[child]) in below:
                below.add(child)
        return any(model.body_dofnum[child] for child in below)

    def _is_named(self, body: str) -> bool:
        """Return whether a pictured field is about a body."""
        return any(field.startswith(f"{body}_") for field in self._fields)
