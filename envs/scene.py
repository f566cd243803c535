"""Scene elements that all tasks share: solver options, table, light, camera, cubes, markers."""

import mujoco

SUBSTEP_S = 0.004
SUBSTEPS = 10
CONTROL_PERIOD_S = SUBSTEP_S * SUBSTEPS  # 25 Hz
RENDER_SIZE = 480


def make_scene(name: str) -> mujoco.MjSpec:
    """Return an empty scene: a table top at z = 0, a light and the `main` camera."""
    spec = mujoco.MjSpec()
    spec.modelname = name
    spec.compiler.degree = False
    option = spec.option
    option.timestep = SUBSTEP_S
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.impratio = 10
    option.iterations = 30
    add_look(spec)
    spec.add_material(name="table", rgba=[0.78, 0.80, 0.83, 1], specular=0.1)
    spec.worldbody.add_geom(
        name="table",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=[0.6, 0.6, 0.05],
        material="table",
        friction=[1.0, 0.02, 0.001],
        condim=4,
        contype=2,
        conaffinity=3,
    )
    spec.worldbody.add_light(pos=[0.2, 0.5, 1.2], dir=[-0.15, -0.4, -1], diffuse=[0.5, 0.5, 0.5])
    return spec


def add_look(spec: mujoco.MjSpec) -> None:
    """Add a sky, and set the light and the rendering quality."""
    # Without shadows and multisampling, software rendering is an order of magnitude faster.
    spec.visual.quality.shadowsize = 0
    spec.visual.quality.offsamples = 0
    spec.visual.global_.offwidth = RENDER_SIZE
    spec.visual.global_.offheight = RENDER_SIZE
    spec.visual.headlight.ambient = [0.45, 0.45, 0.45]
    spec.visual.headlight.diffuse = [0.45, 0.45, 0.45]
    spec.visual.headlight.specular = [0.1, 0.1, 0.1]
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.96, 0.97, 0.99],
        rgb2=[0.80, 0.85, 0.91],
        width=64,
        height=64,
    )


def add_camera(
    spec: mujoco.MjSpec,
    target: tuple[float, float, float],
    distance: float,
    direction: tuple[float, float, float] = (0.62, 0.62, 0.48),
) -> None:
    """Add the `main` camera, looking at `target` [m].

    By default it is on the thumb's side, in front and above; `direction` overrides this.
    """
    position = tuple(a + distance * b for a, b in zip(target, direction, strict=True))
    anchor = spec.worldbody.add_body(name="camera_target", pos=target)
    spec.worldbody.add_camera(
        name="main",
        pos=position,
        mode=mujoco.mjtCamLight.mjCAMLIGHT_TARGETBODY,
        targetbody=anchor.name,
        fovy=40,
    )


def add_cube(
    spec: mujoco.MjSpec, name: str, half_size: float, rgba: tuple[float, ...], mass: float = 0.08
) -> None:
    """Add a free cube resting on the table, with a site of the same name at its centre."""
    body = spec.worldbody.add_body(name=name, pos=[0, 0, half_size])
    body.add_freejoint(name=name)
    body.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[half_size] * 3,
        mass=mass,
        rgba=rgba,
        condim=4,
        friction=[1.0, 0.02, 0.001],
        solref=[0.01, 1],
        solimp=[0.95, 0.99, 0.001, 0.5, 2],
        contype=2,
        conaffinity=3,
    )
    body.add_site(name=name, size=[0.003, 0, 0], group=4)


def add_goal_marker(spec: mujoco.MjSpec, name: str, radius: float) -> None:
    """Add a translucent mocap ball that marks a goal position and has no contacts."""
    body = spec.worldbody.add_body(name=name, mocap=True)
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_SPHERE,
        size=[radius, 0, 0],
        rgba=[0.13, 0.70, 0.45, 0.45],
        contype=0,
        conaffinity=0,
    )
