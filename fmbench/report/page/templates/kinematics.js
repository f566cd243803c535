// Forward kinematics: the pose of every body of a scene, as MuJoCo computes it from qpos.
// Quaternions are [w, x, y, z].

function product([a, b, c, d], [w, x, y, z]) {
  return [
    a * w - b * x - c * y - d * z,
    a * x + b * w + c * z - d * y,
    a * y - b * z + c * w + d * x,
    a * z + b * y - c * x + d * w,
  ];
}

function turned([w, x, y, z], [a, b, c]) {
  // v + 2 w (u x v) + 2 u x (u x v), u = [x, y, z]
  const p = 2 * (y * c - z * b), q = 2 * (z * a - x * c), r = 2 * (x * b - y * a);
  return [a + w * p + y * r - z * q, b + w * q + z * p - x * r, c + w * r + x * q - y * p];
}

const plus = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const times = (a, s) => [a[0] * s, a[1] * s, a[2] * s];
const length = (a) => Math.hypot(...a);

function unit(a) {
  const size = length(a);
  return size < 1e-15 ? a.map((_, k) => (k ? 0 : 1)) : a.map((part) => part / size);
}

// qpos: numbers; mocap: 7 numbers of every mocap body. Returns [position, quaternion] per body.
function forwardKinematics(scene, qpos, mocap) {
  const poses = [];
  for (const [parent, place, turn, mocapId, first, count] of scene.bodies) {
    const joints = scene.joints.slice(first, first + (first < 0 ? 1 : count));
    if (joints.length === 1 && joints[0][0] === "free") {
      const at = joints[0][1];
      const [x, y, z, ...quaternion] = Array.from(qpos.slice(at, at + 7));
      poses.push([[x, y, z], unit(quaternion)]);
      continue;
    }
    let position = place, quaternion = turn;
    if (mocapId >= 0) {
      const at = 7 * mocapId;
      position = Array.from(mocap.slice(at, at + 3));
      quaternion = unit(Array.from(mocap.slice(at + 3, at + 7)));
    } else if (poses.length) {
      const [origin, frame] = poses[parent];
      position = plus(origin, turned(frame, place));
      quaternion = product(frame, turn);
    }
    for (const [kind, at, offset, axis, reference] of joints) {
      if (kind === "slide") {
        position = plus(position, times(turned(quaternion, axis), qpos[at] - reference));
        continue;
      }
      const anchor = plus(turned(quaternion, offset), position);
      const half = (qpos[at] - reference) / 2;
      const own = kind === "ball"
        ? unit(Array.from(qpos.slice(at, at + 4)))
        : [Math.cos(half), ...times(axis, Math.sin(half))];
      quaternion = product(quaternion, own);
      position = minus(anchor, turned(quaternion, offset));
    }
    poses.push([position, unit(quaternion)]);
  }
  return poses;
}

// The scene with the values of one episode: [field, row, numbers].
function sceneOfEpisode(scene, fields) {
  const places = {
    body_pos: ["bodies", 1], body_quat: ["bodies", 2],
    geom_size: ["geoms", 2], geom_pos: ["geoms", 3], geom_quat: ["geoms", 4], geom_rgba: ["geoms", 5],
  };
  const changed = { ...scene, bodies: scene.bodies.map((b) => [...b]), geoms: scene.geoms.map((g) => [...g]) };
  for (const [field, row, numbers] of fields) {
    const [table, column] = places[field];
    changed[table][row][column] = numbers;
  }
  return changed;
}
