// Plays recorded episodes, one alone or two beside each other, in step.

const dialog = root.querySelector("dialog");
if (!dialog) return;
const part = (name) => dialog.querySelector(`[data-part="${name}"]`);
const STATE_STEPS = 16384, MOCAP_STEPS = 262144, ACTION_STEPS = 512;
const NONE = -1;
const meshes = {}, scenes = {};
const sides = [...dialog.querySelectorAll("[data-side]")].map((figure) => ({
  figure,
  canvas: figure.querySelector("canvas"),
  svg: figure.querySelector("svg"),
  caption: figure.querySelector("[data-part='caption']"),
  end: figure.querySelector("[data-part='end']"),
  drawing: null,
  episode: null,
}));
let step = 0, last = 0, camera = null, playing = 0, started = null, wanted = 0, asked = false;

async function sceneOf(task) {
  if (!scenes[task]) {
    const scene = await unpackJson(data.scenes[task]);
    for (const [, , , , , , name] of scene.geoms) {
      if (name && !meshes[name]) meshes[name] = await unpackJson(data.meshes[name]);
    }
    scenes[task] = scene;
  }
  return scenes[task];
}

async function read(number) {
  const facts = data.episodes[number], scene = await sceneOf(facts.task), rows = facts.length + 1;
  const [states, mocap, actions] = await unpackTables(facts.packed, [
    { rows, columns: facts.positions, steps: STATE_STEPS },
    { rows: facts.mocap_moves ? rows : 1, columns: facts.mocap_values, steps: MOCAP_STEPS },
    { rows: facts.length, columns: facts.commands, steps: ACTION_STEPS },
  ]);
  const changed = sceneOfEpisode(scene, facts.fields);
  const poses = (k) => {
    const row = Math.min(k, facts.length);
    return forwardKinematics(changed, states[row], mocap[facts.mocap_moves ? row : 0]);
  };
  return { facts, scene: changed, states, mocap, actions, poses };
}

function say(problem) {
  const place = part("problem");
  place.textContent = problem;
  place.hidden = !problem;
}

async function choose(left, right) {
  const turn = ++wanted;
  stop();
  say("");
  try {
    if (typeof DecompressionStream === "undefined") throw new Error("DecompressionStream is missing in this browser");
    const found = await Promise.all([left, right].map((number) => (number === NONE ? null : read(number))));
    if (turn !== wanted) return;
    show(found, left, right);
  } catch (error) {
    say(`This episode cannot be shown: ${error.message}.`);
  }
}

function show(found, left, right) {
  const task = found[0].facts.task, before = sides[0].episode?.facts.task;
  last = Math.max(...found.map((episode) => (episode ? episode.facts.length : 0)));
  sides.forEach((side, k) => load(side, found[k]));
  fill("episode", left, data.episodes.map((_, number) => number), (facts) => `${facts.task}: ${facts.title}`);
  const others = data.episodes.flatMap((facts, number) => (number !== left && facts.task === task ? [number] : []));
  fill("beside", right, [NONE, ...others], (facts) => facts.title);
  const { cameras } = found[0].scene;
  if (task !== before || !camera) {
    part("camera").replaceChildren(...cameras.map(({ name }, k) => new Option(name, k)));
    camera = orbitOf(cameras[0]);
  }
  part("slider").max = last;
  seek(0);
}

function fill(name, chosen, numbers, text) {
  const options = numbers.map((number) => new Option(number === NONE ? "nothing" : text(data.episodes[number]), number));
  part(name).replaceChildren(...options);
  part(name).value = chosen;
}

function load(side, episode) {
  side.episode = episode;
  side.figure.hidden = !episode;
  if (!episode) return;
  const { facts } = episode;
  side.caption.textContent = facts.title;
  side.end.textContent = `${(last * facts.period).toFixed(2)} s`;
  drawCommands(side.svg, episode.actions, last, `${facts.commands} commands over ${facts.length} control step${facts.length === 1 ? "" : "s"}; ${facts.title}`);
  try {
    side.drawing ??= new Drawing(side.canvas);
    side.drawing.load(episode.scene, meshes);
  } catch (error) {
    say(`No picture: ${error.message}. Times and commands are below; a video of an episode is made by python -m fmbench.view.`);
  }
}

function draw() {
  asked = false;
  if (!dialog.open || !camera) return;
  for (const { episode, drawing } of sides) drawing && episode && drawing.draw(episode.poses(step), camera, page.dark.matches);
}

function redraw() {
  if (!asked) requestAnimationFrame(draw);
  asked = true;
}

function seek(value) {
  step = Math.max(0, Math.min(last, value));
  const { period } = sides[0].episode.facts;
  const text = `${(step * period).toFixed(2)} s of ${(last * period).toFixed(2)} s, step ${step} of ${last}`;
  part("slider").value = step;
  part("slider").setAttribute("aria-valuetext", text);
  part("time").textContent = text;
  sides.forEach(({ svg, episode }) => episode && moveCursor(svg, step, last));
  redraw();
}

function stop() {
  cancelAnimationFrame(playing);
  playing = 0;
  part("play").textContent = "Play";
  part("play").setAttribute("aria-pressed", "false");
}

function play() {
  if (!sides[0].episode) return;
  if (step >= last) seek(0);
  started = null;
  part("play").textContent = "Pause";
  part("play").setAttribute("aria-pressed", "true");
  const from = step;
  const tick = (now) => {
    started ??= now;
    const seconds = ((now - started) / 1000) * Number(part("speed").value);
    const next = from + Math.floor(seconds / sides[0].episode.facts.period);
    if (next !== step) seek(next);
    if (step >= last) stop();
    else playing = requestAnimationFrame(tick);
  };
  playing = requestAnimationFrame(tick);
}

const toggle = () => (playing ? stop() : play());
const walk = (by) => { stop(); seek(step + by); };

function turn(across, up) {
  if (!camera) return;
  camera.azimuth -= across;
  camera.elevation = Math.max(-1.55, Math.min(1.55, camera.elevation + up));
  redraw();
}

function zoom(factor) {
  if (!camera) return;
  camera.distance = Math.max(0.05, Math.min(10, camera.distance * factor));
  redraw();
}

function shift(across, up) {
  const size = camera.distance * 2, { back } = eyeOf(camera);
  const right = [-Math.sin(camera.azimuth), Math.cos(camera.azimuth), 0];
  const above = [-Math.sin(camera.elevation) * Math.cos(camera.azimuth), -Math.sin(camera.elevation) * Math.sin(camera.azimuth), Math.hypot(back[0], back[1])];
  camera.target = minus(camera.target, plus(times(right, across * size), times(above, -up * size)));
  redraw();
}

function resetView() {
  if (!sides[0].episode) return;
  camera = orbitOf(sides[0].episode.scene.cameras[Number(part("camera").value) || 0]);
  redraw();
}

const KEYS = {
  " ": toggle, ",": () => walk(-1), ".": () => walk(1), Home: () => walk(-last), End: () => walk(last),
  a: () => turn(-0.1, 0), d: () => turn(0.1, 0), w: () => turn(0, 0.1), s: () => turn(0, -0.1),
  "+": () => zoom(0.9), "=": () => zoom(0.9), "-": () => zoom(1 / 0.9), 0: resetView,
};
const ARROWS = { ArrowLeft: KEYS.a, ArrowRight: KEYS.d, ArrowUp: KEYS.w, ArrowDown: KEYS.s };

dialog.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const name = event.target.tagName, isOwn = name === "SELECT" || name === "BUTTON";
  if (isOwn && (event.key === " " || name === "SELECT")) return; // what it does by itself
  const does = (name === "CANVAS" && ARROWS[event.key]) || KEYS[event.key];
  if (!does) return;
  event.preventDefault();
  does();
});
part("play").addEventListener("click", toggle);
part("back").addEventListener("click", () => walk(-1));
part("forward").addEventListener("click", () => walk(1));
part("reset").addEventListener("click", resetView);
part("camera").addEventListener("change", resetView);
part("close").addEventListener("click", () => dialog.close());
part("slider").addEventListener("input", (event) => { stop(); seek(Number(event.target.value)); });
part("speed").addEventListener("change", () => { if (playing) { stop(); play(); } });
part("episode").addEventListener("change", (event) => choose(Number(event.target.value), NONE));
part("beside").addEventListener("change", (event) => choose(Number(part("episode").value), Number(event.target.value)));
dialog.addEventListener("close", stop);
page.dark.addEventListener("change", redraw);
new ResizeObserver(redraw).observe(dialog);

for (const { canvas } of sides) {
  const held = new Map();
  let apart = 0;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, event);
    apart = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before || !camera) return;
    held.set(event.pointerId, event);
    const across = (event.clientX - before.clientX) / canvas.clientHeight;
    const up = (event.clientY - before.clientY) / canvas.clientHeight;
    if (held.size === 2) {
      const [one, other] = held.values();
      const now = Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      if (apart) zoom(apart / now);
      apart = now;
    } else if (event.shiftKey) shift(across / 2, up / 2);
    else turn(across * 4, up * 4);
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => held.delete(event.pointerId));
  canvas.addEventListener("wheel", (event) => { event.preventDefault(); zoom(Math.exp(event.deltaY / 800)); }, { passive: false });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-play]");
  if (!button) return;
  dialog.showModal();
  choose(Number(button.dataset.play), Number(button.dataset.beside ?? NONE));
});
page.player = {
  choose, read, sides, seek,
  state: () => ({ step, last, playing: playing !== 0, camera }),
  kinematics: (scene, fields, qpos, mocap) => forwardKinematics(sceneOfEpisode(scene, fields), qpos, mocap),
};
