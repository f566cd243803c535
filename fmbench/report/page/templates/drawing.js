// Draws a scene on a canvas by WebGL 2: every geom is lit from the eye and from above.

const VERTEX = `#version 300 es
in vec3 position, normal;
uniform mat4 view, projection, model;
out vec3 way, place;
void main() {
  vec4 seen = view * (model * vec4(position, 1.0));
  way = mat3(view) * (mat3(model) * normal);
  place = seen.xyz;
  gl_Position = projection * seen;
}`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec3 way, place;
uniform vec4 colour;
uniform vec3 above;
out vec4 shown;
void main() {
  vec3 towards = normalize(-place);
  vec3 across = normalize(way);
  if (dot(across, towards) < 0.0) across = -across;
  float light = 0.45 + 0.35 * dot(across, towards) + 0.25 * max(dot(across, above), 0.0);
  shown = vec4(min(colour.rgb * light, 1.0), colour.a);
}`;
const SKY = { light: [0.9, 0.925, 0.955], dark: [0.17, 0.19, 0.22] };
const OPAQUE = 0.995;

class Drawing {
  // Throws an Error, whose message says so, where WebGL 2 does not start.
  constructor(canvas) {
    this.canvas = canvas;
    const gl = (this.gl = canvas.getContext("webgl2", { antialias: true, alpha: false }));
    if (!gl) throw new Error("WebGL 2 does not start in this browser");
    this.program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(this.program, shader);
    }
    gl.bindAttribLocation(this.program, 0, "position");
    gl.bindAttribLocation(this.program, 1, "normal");
    gl.linkProgram(this.program);
    if (!gl.getProgramParameter(this.program, gl.LINK_STATUS)) throw new Error("WebGL 2 has no usable shader");
    const names = ["view", "projection", "model", "colour", "above"];
    this.at = Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(this.program, name)]));
    this.geoms = [];
  }

  load(scene, meshes) {
    const gl = this.gl;
    for (const { array, buffers } of this.geoms) {
      gl.deleteVertexArray(array);
      buffers.forEach((buffer) => gl.deleteBuffer(buffer));
    }
    this.geoms = scene.geoms.map((geom) => {
      const shape = shapeOf(geom, meshes), array = gl.createVertexArray(), buffers = [];
      gl.bindVertexArray(array);
      [shape.positions, shape.normals].forEach((values, place) => {
        buffers.push(gl.createBuffer());
        gl.bindBuffer(gl.ARRAY_BUFFER, buffers[place]);
        gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(values), gl.STATIC_DRAW);
        gl.enableVertexAttribArray(place);
        gl.vertexAttribPointer(place, 3, gl.FLOAT, false, 0, 0);
      });
      buffers.push(gl.createBuffer());
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffers[2]);
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, new Uint16Array(shape.indices), gl.STATIC_DRAW);
      gl.bindVertexArray(null);
      return { geom, array, buffers, count: shape.indices.length };
    });
  }

  // poses: of forwardKinematics; camera: {target, distance, azimuth, elevation, fovy}.
  draw(poses, camera, dark) {
    const { gl, canvas, at } = this, scale = Math.min(devicePixelRatio || 1, 2);
    const width = Math.max(1, Math.round(canvas.clientWidth * scale));
    const height = Math.max(1, Math.round(canvas.clientHeight * scale));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    gl.viewport(0, 0, width, height);
    gl.clearColor(...(dark ? SKY.dark : SKY.light), 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    gl.polygonOffset(1, 8);
    gl.useProgram(this.program);
    const view = viewMatrix(camera);
    gl.uniformMatrix4fv(at.view, false, view);
    gl.uniformMatrix4fv(at.projection, false, projectionMatrix(camera, width / height));
    gl.uniform3f(at.above, view[8], view[9], view[10]);
    for (const opaque of [true, false]) {
      gl[opaque ? "disable" : "enable"](gl.BLEND);
      gl.depthMask(opaque);
      for (const each of this.geoms) {
        if (each.geom[5][3] >= OPAQUE !== opaque) continue;
        const [body, kind, , offset, turn, colour] = each.geom, [place, frame] = poses[body];
        // Balls in joints are hardly smaller than the links about them, which are drawn in front.
        gl[kind === "sphere" && opaque ? "enable" : "disable"](gl.POLYGON_OFFSET_FILL);
        gl.uniformMatrix4fv(at.model, false, poseMatrix(plus(place, turned(frame, offset)), product(frame, turn)));
        gl.uniform4fv(at.colour, colour);
        gl.bindVertexArray(each.array);
        gl.drawElements(gl.TRIANGLES, each.count, gl.UNSIGNED_SHORT, 0);
      }
    }
    gl.depthMask(true);
    gl.bindVertexArray(null);
  }
}

// Matrices are column by column, as WebGL takes them.
function poseMatrix(position, quaternion) {
  const [a, b, c] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map((axis) => turned(quaternion, axis));
  return new Float32Array([...a, 0, ...b, 0, ...c, 0, ...position, 1]);
}

function eyeOf({ target, distance, azimuth, elevation }) {
  const flat = Math.cos(elevation);
  const back = [flat * Math.cos(azimuth), flat * Math.sin(azimuth), Math.sin(elevation)];
  return { back, eye: plus(target, times(back, distance)) };
}

function viewMatrix(camera) {
  const { back, eye } = eyeOf(camera);
  const right = [-Math.sin(camera.azimuth), Math.cos(camera.azimuth), 0];
  const up = [back[1] * right[2] - back[2] * right[1], back[2] * right[0] - back[0] * right[2],
    back[0] * right[1] - back[1] * right[0]];
  const along = (axis) => -(axis[0] * eye[0] + axis[1] * eye[1] + axis[2] * eye[2]);
  const columns = [0, 1, 2].map((k) => [right[k], up[k], back[k], 0]);
  return new Float32Array([...columns.flat(), along(right), along(up), along(back), 1]);
}

// The field of view is that of the shorter side.
function projectionMatrix({ fovy, distance }, aspect) {
  const near = distance / 10, far = distance + 20, across = 1 / Math.tan((fovy * Math.PI) / 360);
  const x = aspect < 1 ? across : across / aspect, y = aspect < 1 ? across * aspect : across;
  const depth = (far + near) / (near - far);
  return new Float32Array([x, 0, 0, 0, 0, y, 0, 0, 0, 0, depth, -1, 0, 0, (2 * far * near) / (near - far), 0]);
}

// How a camera of the scene looks, as what `draw` takes.
function orbitOf({ position, target, fovy }) {
  const offset = minus(position, target), distance = length(offset);
  const elevation = Math.asin(offset[2] / distance), azimuth = Math.atan2(offset[1], offset[0]);
  return { target: [...target], distance, azimuth, elevation, fovy };
}
