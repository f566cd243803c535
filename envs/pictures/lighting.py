"""Colours of lit surfaces, as the classic renderer lights them, at every pixel.

Every value is computed by elementwise operations of its own pixel, and only by those that IEEE 754
rounds in one way. A pixel does not depend on how many are shaded together.
"""

from dataclasses import dataclass

import mujoco
import numpy as np

from envs.arrays import BoolArray, FloatArray, IntArray
from envs.pictures.appearance import Appearance, Float32Array
from envs.pictures.lens import Lens

Vector = tuple[Float32Array, Float32Array, Float32Array]
"""Components x, y and z."""
GLOBAL_AMBIENT = 0.3  # without any light
DARK = "the light {index} {fault}; rays are lit by fixed directional and spot lights only; use "
DARK += "renderer='opengl'"


@dataclass(frozen=True)
class Light:
    """One light.

    Attributes:
        position: Position of a spot light (3,) [m], or None for a directional one.
        direction: Unit vector along which it shines, (3,).
        ambient: Colour, (3,); so are `diffuse` and `specular`.
        cutoff: Cosine of the cone's half angle; -1 for all directions.
        exponent: How the cone's light falls off from its axis, a whole number.
        attenuation: Coefficients of distance to the powers 0, 1, 2.
    """

    position: FloatArray | None
    direction: FloatArray
    ambient: FloatArray
    diffuse: FloatArray
    specular: FloatArray
    cutoff: float = -1.0
    exponent: int = 0
    attenuation: tuple[float, float, float] = (1.0, 0.0, 0.0)


@dataclass(frozen=True)
class Surface:
    """Where n rays hit, all (n,) and float32.

    Attributes:
        geom: The geoms.
        normal: Unit normals.
        ray: Directions of the rays, whose length along the camera's axis is 1.
        depth: Distance along the camera's axis [m].
    """

    geom: IntArray
    normal: Vector
    ray: Vector
    depth: Float32Array


class Lighting:
    """The lights of a model as one camera sees them.

    Args:
        model: The model.
        data: Its data, with the lights' poses.
        still: Which bodies never move, (nbody,).
        lens: The camera.
        looks: How the geoms look.

    Raises:
        ValueError: A light moves, or is of a kind that the classic renderer leaves dark.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        still: BoolArray,
        lens: Lens,
        looks: Appearance,
    ) -> None:
        self._looks = looks
        self._position = lens.position.astype(np.float32)
        lights = (_light(model, data, still, k) for k in range(model.nlight))
        self._lights = [light for light in lights if light]
        if model.vis.headlight.active:
            head = model.vis.headlight
            ambient, diffuse, specular = map(np.array, (head.ambient, head.diffuse, head.specular))
            self._lights.insert(0, Light(None, -lens.matrix[:, 2], ambient, diffuse, specular))

    def colours(self, surface: Surface) -> Float32Array:
        """Return the colours of lit surfaces, (n, 3) in [0, 255]."""
        looks, geom = self._looks, surface.geom
        view = _unit(tuple(-part for part in surface.ray))
        glow = looks.emission[geom] + np.float32(0.0 if self._lights else GLOBAL_AMBIENT)
        base: list[Float32Array] = [glow.copy() for _ in range(3)]
        shine: list[Float32Array] = [np.zeros_like(glow) for _ in range(3)]
        for light in self._lights:
            towards, strength = self._towards(light, surface)
            facing = np.maximum(_dot(surface.normal, towards), np.float32(0.0))
            half = _unit(tuple(a + b for a, b in zip(towards, view, strict=True)))
            gleam = np.maximum(_dot(surface.normal, half), np.float32(0.0))
            gleam = np.where(facing > 0, whole_power(gleam, looks.exponent[geom]), 0) * strength
            for k in range(3):
                lit = np.float32(light.ambient[k]) + facing * np.float32(light.diffuse[k])
                base[k] += lit * strength
                shine[k] += gleam * np.float32(light.specular[k])
        colours = np.empty((len(geom), 3), dtype=np.float32)
        for k in range(3):
            value = base[k] * looks.rgba[geom, k] + shine[k] * looks.specular[geom]
            colours[:, k] = np.minimum(value, np.float32(1.0)) * np.float32(255.0)
        return colours

    def _towards(self, light: Light, surface: Surface) -> tuple[Vector, Float32Array | np.float32]:
        """Return the unit vectors to a light and the share of it that arrives."""
        x, y, z = (np.float32(-value) for value in light.direction)
        if light.position is None:
            shape = surface.depth.shape
            return (np.full(shape, x), np.full(shape, y), np.full(shape, z)), np.float32(1.0)
        place = light.position.astype(np.float32)
        offset = tuple(
            (place[k] - self._position[k]) - surface.depth * surface.ray[k] for k in range(3)
        )
        distance = np.sqrt(_dot(offset, offset))
        towards = tuple(part / distance for part in offset)
        along = towards[0] * x + towards[1] * y + towards[2] * z
        constant, linear, quadratic = (np.float32(value) for value in light.attenuation)
        share = whole_power(np.maximum(along, np.float32(0.0)), light.exponent)
        share = share / (constant + distance * (linear + distance * quadratic))
        strength = np.where(along >= np.float32(light.cutoff), share, np.float32(0.0))
        return (towards[0], towards[1], towards[2]), strength


def whole_power(base: Float32Array, exponent: IntArray | int) -> Float32Array:
    """Return `base` to whole powers, by multiplications alone, (n,)."""
    exponents = np.asarray(exponent)
    power, square = np.ones_like(base), base
    for bit in range(int(exponents.max(initial=0)).bit_length()):
        power = np.where(exponents >> bit & 1, power * square, power)
        square = square * square
    return power


def _dot(a: tuple[Float32Array, ...], b: tuple[Float32Array, ...]) -> Float32Array:
    total: Float32Array = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return total


def _unit(vector: tuple[Float32Array, ...]) -> Vector:
    length: Float32Array = np.maximum(np.sqrt(_dot(vector, vector)), np.float32(1e-9))
    return vector[0] / length, vector[1] / length, vector[2] / length


def _light(model: mujoco.MjModel, data: mujoco.MjData, still: BoolArray, k: int) -> Light | None:
    """Return a light of the model, or None if it is off.

    Raises:
        ValueError: It moves, or is of a kind that the classic renderer leaves dark.
    """
    if not model.light_active[k]:
        return None
    kinds, kind = mujoco.mjtLightType, int(model.light_type[k])
    if kind not in (kinds.mjLIGHT_DIRECTIONAL, kinds.mjLIGHT_SPOT):
        raise ValueError(DARK.format(index=k, fault="is of another kind"))
    bodies = [int(model.light_bodyid[k]), max(0, int(model.light_targetbodyid[k]))]
    if not still[bodies].all():
        raise ValueError(DARK.format(index=k, fault="moves with a body"))
    is_spot = kind == kinds.mjLIGHT_SPOT
    constant, linear, quadratic = (float(value) for value in model.light_attenuation[k])
    return Light(
        data.light_xpos[k].copy() if is_spot else None,
        data.light_xdir[k].copy(),
        model.light_ambient[k].copy(),
        model.light_diffuse[k].copy(),
        model.light_specular[k].copy(),
        cutoff=float(np.cos(np.radians(model.light_cutoff[k]))) if is_spot else -1.0,
        exponent=round(float(model.light_exponent[k])),
        attenuation=(constant, linear, quadratic) if is_spot else (1.0, 0.0, 0.0),
    )
