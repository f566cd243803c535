"""Colours, materials and visible geoms are those of MuJoCo's own scene; films are blended twice."""

import mujoco
import numpy as np
import pytest

from envs.pictures.appearance import appearance, geom_rgba
from envs.pictures.layers import Film, blend
from envs.pictures.lighting import whole_power
from envs.pictures.opengl import shown_option
from envs.pictures.scene import picture_model, visible_geoms
from envs.registry import has_extra, make_task, suite


def drawn_scene(model: mujoco.MjModel, option: mujoco.MjvOption) -> list[mujoco.MjvGeom]:
    data, camera = mujoco.MjData(model), mujoco.MjvCamera()
    mujoco.mj_forward(model, data)
    scene = mujoco.MjvScene(model, 2000)
    everything = int(mujoco.mjtCatBit.mjCAT_ALL)
    mujoco.mjv_updateScene(model, data, option, None, camera, everything, scene)
    return list(scene.geoms[: scene.ngeom])


@pytest.mark.parametrize("name", [name for name in suite() if has_extra(name)])
def test_geoms_look_as_in_the_scene_of_mujoco(name: str) -> None:
    """Also: a visible site of the task is a geom of the same look, size and place."""
    task = make_task(name)
    scene = picture_model(task)
    looks, drawn = appearance(scene.model), drawn_scene(scene.model, shown_option())
    assert {geom.objtype for geom in drawn} == {int(mujoco.mjtObj.mjOBJ_GEOM)}
    seen = {geom.objid for geom in drawn if geom.rgba[3] > 0}
    assert seen == set(np.flatnonzero(visible_geoms(scene.model)).tolist())
    for geom in drawn:
        assert np.allclose(geom.rgba, looks.rgba[geom.objid])
        assert geom.specular == looks.specular[geom.objid]
        assert geom.emission == looks.emission[geom.objid]
        assert round(geom.shininess * 128) == looks.exponent[geom.objid]
        assert (geom.matid < 0) or (scene.model.mat_texid[geom.matid] == -1).all()
    whole = drawn_scene(task.model, mujoco.MjvOption())
    sites = {g.objid: g for g in whole if g.objtype == mujoco.mjtObj.mjOBJ_SITE and g.rgba[3] > 0}
    assert set(sites) == set(scene.site_geoms)
    copies = {geom.objid: geom for geom in drawn}
    for site, geom in scene.site_geoms.items():
        assert np.allclose(copies[geom].pos, sites[site].pos)
        assert np.allclose(copies[geom].mat, sites[site].mat)
        assert np.allclose(copies[geom].size, sites[site].size)
        if task.model.site_matid[site] < 0:
            assert np.allclose(copies[geom].rgba, sites[site].rgba)
    assert scene.model.nbody == task.model.nbody
    assert scene.model.nq == task.model.nq


def test_an_own_colour_precedes_that_of_the_material() -> None:
    spec = mujoco.MjSpec()
    spec.add_material(name="red", rgba=[1, 0, 0, 0.3])
    own = [0.1, 0.2, 0.3, 0.4]
    spec.worldbody.add_geom(size=[1, 0, 0], material="red")
    spec.worldbody.add_geom(size=[1, 0, 0], material="red", rgba=own)
    spec.worldbody.add_geom(size=[1, 0, 0])
    rgba = geom_rgba(spec.compile())
    assert np.allclose(rgba, [[1, 0, 0, 0.3], own, [0.5, 0.5, 0.5, 1]])


def film(places: list[int], depth: float, geom: int, colour: float, alpha: float) -> Film:
    n = len(places)
    colours = np.full((n, 3), colour, dtype=np.float32)
    alphas = np.full(n, alpha, dtype=np.float32)
    return Film(np.array(places), np.full(n, depth), np.full(n, geom), colours, alphas)


def test_films_are_blended_from_the_nearest_to_the_farthest_and_back() -> None:
    near, far = film([1, 2], 1.0, 7, 200.0, 0.45), film([2, 3], 2.0, 8, 40.0, 0.8)
    for films in ([near, far], [far, near]):
        picture, nearest = np.full((5, 3), 100, dtype=np.uint8), np.full(5, -1)
        blend(films, picture, nearest)
        assert nearest.tolist() == [-1, 7, 7, 8, -1]
        once = [200 - 100 * 0.55**2, 40 + 60 * 0.2**2]
        both = 100.0
        for colour, alpha in ((200, 0.45), (40, 0.8), (40, 0.8), (200, 0.45)):
            both += (colour - both) * alpha
        expected = np.rint([100, once[0], both, once[1], 100])
        assert np.array_equal(picture, np.repeat(expected[:, None], 3, axis=1))


def test_whole_powers_are_powers() -> None:
    base = np.linspace(0, 1, 101, dtype=np.float32)
    for exponent in (0, 1, 10, 64, 127):
        assert np.allclose(whole_power(base, exponent), base.astype(float) ** exponent, rtol=1e-4)
    each = np.arange(101)
    assert np.allclose(whole_power(base, each), base.astype(float) ** each, rtol=1e-4)
