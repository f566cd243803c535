// Triangles of shapes: positions and normals, three numbers each, and indices of corners.

const SEGMENTS = 36, RINGS = 18, ENDLESS = 3;

// Turns a profile, points [radius, height, normal's radius, normal's height], about the z axis.
function revolved(profile) {
  const positions = [], normals = [], indices = [];
  for (const [radius, height, across, up] of profile) {
    for (let k = 0; k <= SEGMENTS; k++) {
      const angle = (2 * Math.PI * k) / SEGMENTS, x = Math.cos(angle), y = Math.sin(angle);
      positions.push(radius * x, radius * y, height);
      normals.push(across * x, across * y, up);
    }
  }
  const row = SEGMENTS + 1;
  for (let ring = 0; ring + 1 < profile.length; ring++) {
    for (let k = 0; k < SEGMENTS; k++) {
      const at = ring * row + k;
      indices.push(at, at + 1, at + row, at + 1, at + row + 1, at + row);
    }
  }
  return { positions, normals, indices };
}

function capsule(radius, half) {
  const profile = [];
  for (let k = 0; k <= RINGS; k++) {
    const angle = -Math.PI / 2 + (Math.PI * k) / RINGS;
    const across = Math.cos(angle), up = Math.sin(angle);
    if (2 * k === RINGS && half) profile.push([radius, -half, 1, 0]);
    profile.push([radius * across, radius * up + (2 * k < RINGS ? -half : half), across, up]);
  }
  return revolved(profile);
}

function cylinder(radius, half) {
  return revolved([
    [0, -half, 0, -1], [radius, -half, 0, -1], [radius, -half, 1, 0],
    [radius, half, 1, 0], [radius, half, 0, 1], [0, half, 0, 1],
  ]);
}

function box(size) {
  const positions = [], normals = [], indices = [];
  for (let axis = 0; axis < 3; axis++) {
    for (const side of [-1, 1]) {
      const start = positions.length / 3;
      for (const [a, b] of [[-1, -1], [1, -1], [1, 1], [-1, 1]]) {
        const corner = [0, 0, 0], normal = [0, 0, 0];
        normal[axis] = side;
        corner[axis] = side * size[axis];
        corner[(axis + 1) % 3] = a * size[(axis + 1) % 3];
        corner[(axis + 2) % 3] = b * size[(axis + 2) % 3];
        positions.push(...corner);
        normals.push(...normal);
      }
      indices.push(start, start + 1, start + 2, start, start + 2, start + 3);
    }
  }
  return { positions, normals, indices };
}

function ellipsoid(size) {
  const shape = capsule(1, 0);
  const positions = shape.positions.map((value, k) => value * size[k % 3]);
  const normals = shape.normals.map((value, k) => value / size[k % 3]);
  return { ...shape, positions, normals };
}

function plane([x, y]) {
  const a = x || ENDLESS, b = y || ENDLESS;
  const positions = [-a, -b, 0, a, -b, 0, a, b, 0, -a, b, 0];
  return { positions, normals: [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1], indices: [0, 1, 2, 0, 2, 3] };
}

// A mesh, each corner with the mean normal of the triangles about it that do not bend too much.
function meshShape(mesh) {
  const corner = (k) => [0, 1, 2].map((axis) => mesh.low[axis] + mesh.step * mesh.vertices[3 * k + axis]);
  const faces = [], around = new Map();
  for (let k = 0; k < mesh.faces.length; k += 3) {
    const ids = mesh.faces.slice(k, k + 3), [a, b, c] = ids.map(corner);
    const u = minus(b, a), v = minus(c, a);
    const area = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    const face = { ids, corners: [a, b, c], area, normal: times(area, 1 / (length(area) || 1)) };
    faces.push(face);
    for (const id of ids) around.set(id, [...(around.get(id) || []), face]);
  }
  const positions = [], normals = [], indices = [];
  for (const face of faces) {
    face.ids.forEach((id, k) => {
      const alike = around.get(id).filter(({ normal }) => 
        normal[0] * face.normal[0] + normal[1] * face.normal[1] + normal[2] * face.normal[2] > 0.5);
      positions.push(...face.corners[k]);
      normals.push(...alike.reduce((sum, { area }) => plus(sum, area), [0, 0, 0]));
      indices.push(indices.length);
    });
  }
  return { positions, normals, indices };
}

function shapeOf([, kind, size, , , , mesh], meshes) {
  if (kind === "mesh") return meshShape(meshes[mesh]);
  if (kind === "box") return box(size);
  if (kind === "plane") return plane(size);
  if (kind === "ellipsoid") return ellipsoid(size);
  if (kind === "cylinder") return cylinder(size[0], size[1]);
  return capsule(size[0], kind === "sphere" ? 0 : size[1]);
}
