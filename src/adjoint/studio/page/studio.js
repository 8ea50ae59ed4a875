// The page asks for steps, and draws what comes back. Nothing is computed here.
"use strict";

const token = location.hash.slice(1);
const $ = (id) => document.getElementById(id);
const form = $("settings");
let data = null; // the points
let shown = null; // the last snapshot
let running = false;
let turn = Promise.resolve(); // the last request that was begun

async function ask(what, question) {
  const answer = await fetch("/" + what, {
    method: "POST",
    headers: { "X-Token": token, "Content-Type": "application/json" },
    body: JSON.stringify(question),
  });
  const found = await answer.json().catch(() => ({ error: "the server failed: see its terminal" }));
  if (!answer.ok) throw new Error(found.error);
  return found;
}

// One request after the other; what goes wrong is said, and stops the run.
function attempt(work) {
  turn = turn.then(async () => {
    try {
      await work();
      $("error").hidden = true;
    } catch (error) {
      stop();
      $("error").textContent = error.message;
      $("error").hidden = false;
    }
  });
  return turn;
}

function settings() {
  const value = (name) => form.elements[name].value;
  const hidden = value("hidden").split(/[\s,]+/).filter(Boolean).map(Number);
  return {
    problem: value("problem"), hidden, activation: value("activation"),
    optimizer: value("optimizer"), rate: Number(value("rate")), batch: Number(value("batch")),
    noise: Number(value("noise")), seed: Number(value("seed")),
  };
}

const begin = (question) => attempt(async () => {
  const found = await ask("begin", question);
  if (!data) fill(found);
  data = found;
  $("worked").hidden = true;
  show(found);
});

const advance = (steps) => attempt(async () => show(await ask("advance", { steps })));

async function run() {
  running = true;
  $("go").textContent = "Pause";
  while (running) {
    await advance(Number(form.elements.stride.value));
    await new Promise(requestAnimationFrame);
  }
}

function stop() {
  running = false;
  $("go").textContent = "Run";
}

// What may be chosen, as the server says it.
function fill(found) {
  const lists = { problem: "problems", activation: "activations", optimizer: "optimizers" };
  for (const [name, list] of Object.entries(lists)) {
    for (const text of found[list]) form.elements[name].add(new Option(text));
  }
  for (const [name, value] of Object.entries(found.first)) {
    form.elements[name].value = Array.isArray(value) ? value.join(", ") : value;
  }
}

// *** drawing ***

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const short = (x) => (x === null ? "not finite" : Number(x.toPrecision(4)).toString());

function show(found) {
  shown = found;
  $("state").textContent = `step ${found.step}, ${found.flow.verdict}`;
  drawPlane();
  drawLoss();
  drawNet();
  const scores = {
    "training loss": short(found.loss), "held-out loss": short(found.held_loss),
    "training": (100 * found.accuracy).toFixed(1) + " %",
    "held out": (100 * found.held_accuracy).toFixed(1) + " %",
  };
  $("scores").replaceChildren(...Object.entries(scores).flatMap(([k, v]) => [made("dt", k), made("dd", v)]));
  const findings = found.findings.length ? found.findings : [found.flow.words];
  $("findings").replaceChildren(...findings.map((text) => made("li", text)));
  const row = (cells, kind) => {
    const line = document.createElement("tr");
    line.append(...cells.map((text) => made(kind, text)));
    return line;
  };
  $("layers").replaceChildren(row(found.layers.headings, "th"), ...found.layers.rows.map((r) => row(r, "td")));
}

function made(kind, text) {
  const element = document.createElement(kind);
  element.textContent = text;
  return element;
}

const parts = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

function place([x, y]) {
  const size = $("plane").width;
  return [((x / shown.edge + 1) * size) / 2, ((1 - y / shown.edge) * size) / 2];
}

function drawPlane() {
  const canvas = $("plane"), pen = canvas.getContext("2d"), n = shown.grid;
  const [one, other, paper] = ["--one", "--other", "--card"].map((name) => parts(colour(name)));
  const image = new ImageData(n, n);
  shown.surface.forEach((value, i) => {
    const sure = Math.abs(value / 127.5 - 1), side = value > 127.5 ? one : other;
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = paper[c] + (side[c] - paper[c]) * sure * 0.55;
    image.data[4 * i + 3] = 255;
  });
  const small = document.createElement("canvas");
  small.width = small.height = n;
  small.getContext("2d").putImageData(image, 0, 0);
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
  const dot = (point, kind, filled) => {
    pen.beginPath();
    pen.arc(...place(point), 4, 0, 7);
    pen.fillStyle = pen.strokeStyle = colour(kind ? "--one" : "--other");
    if (filled) pen.fill(); else pen.stroke();
    if (filled) { pen.strokeStyle = colour("--card"); pen.stroke(); }
  };
  data.held_points.forEach((point, i) => dot(point, data.held_classes[i], false));
  data.points.forEach((point, i) => dot(point, data.classes[i], true));
}

function drawLoss() {
  const canvas = $("loss"), pen = canvas.getContext("2d"), left = 46, foot = 20;
  const values = shown.losses.filter((v) => v !== null);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.font = "12px system-ui";
  pen.fillStyle = colour("--faint");
  if (!values.length) { pen.fillText("no step yet", left, 40); return; }
  const high = Math.max(...values), low = Math.min(0, ...values);
  const x = (i) => left + (i / Math.max(1, values.length - 1)) * (canvas.width - left - 8);
  const y = (v) => 8 + (1 - (v - low) / (high - low || 1)) * (canvas.height - foot - 12);
  for (const v of [low, (low + high) / 2, high]) {
    pen.fillText(v && v < 0.001 ? v.toExponential(1) : Number(v.toPrecision(2)), 4, y(v) + 4);
    pen.fillRect(left, y(v), canvas.width - left, 0.5);
  }
  pen.fillText(`steps ${shown.step - shown.losses.length + 1} to ${shown.step}`, left, canvas.height - 4);
  pen.strokeStyle = colour("--one");
  pen.lineWidth = 1.5;
  pen.beginPath();
  values.forEach((v, i) => pen.lineTo(x(i), y(v)));
  pen.stroke();
}

function drawNet() {
  const canvas = $("net"), pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  const widths = [2, ...shown.units.map((layer) => layer.length)];
  const x = (k) => 50 + (k * (canvas.width - 100)) / (widths.length - 1);
  const y = (k, i) => ((i + 0.5) * canvas.height) / widths[k];
  shown.weights.forEach((matrix, k) => {
    const largest = Math.max(1e-9, ...matrix.flat().map((w) => Math.abs(w ?? 0)));
    matrix.forEach((row, i) => row.forEach((w, j) => {
      pen.strokeStyle = colour(w > 0 ? "--one" : "--other");
      pen.globalAlpha = 0.15 + (0.75 * Math.abs(w ?? 0)) / largest;
      pen.lineWidth = 0.3 + (3 * Math.abs(w ?? 0)) / largest;
      pen.beginPath();
      pen.moveTo(x(k), y(k, i));
      pen.lineTo(x(k + 1), y(k + 1, j));
      pen.stroke();
    }));
  });
  pen.globalAlpha = 1;
  const largest = Math.max(1e-30, ...shown.deltas.flat().map((d) => d ?? 0));
  widths.forEach((count, k) => {
    for (let i = 0; i < count; i++) drawUnit(pen, x(k), y(k, i), k, i, largest, canvas.height / count);
  });
}

function drawUnit(pen, x, y, k, i, largest, room) {
  const radius = Math.min(11, room / 3);
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.fillStyle = colour("--card");
  pen.fill();
  pen.lineWidth = 1;
  pen.strokeStyle = colour("--faint");
  pen.stroke();
  if (k === 0) {
    pen.fillStyle = colour("--faint");
    pen.font = "12px system-ui";
    pen.fillText(`x${i + 1}`, x - 34, y + 4);
    return;
  }
  const value = shown.units[k - 1][i], delta = shown.deltas[k - 1][i];
  pen.globalAlpha = value === null ? 0 : Math.min(1, 0.1 + Math.abs(value));
  pen.fillStyle = colour(value > 0 ? "--one" : "--other");
  pen.fill();
  pen.globalAlpha = 1;
  pen.beginPath();
  pen.arc(x, y, radius + 3, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * ((delta ?? 0) / largest));
  pen.lineWidth = 3;
  pen.strokeStyle = colour(delta === null ? "--alarm" : "--ink");
  pen.stroke();
}

// *** what the reader does ***

$("go").addEventListener("click", () => (running ? stop() : run()));
$("one").addEventListener("click", () => { stop(); advance(1); });
form.addEventListener("submit", (event) => { event.preventDefault(); stop(); begin(settings()); });
form.addEventListener("change", (event) => {
  if (event.target.name !== "stride") { stop(); begin(settings()); }
});
$("plane").addEventListener("click", (event) => {
  const box = $("plane").getBoundingClientRect(), scale = $("plane").width / box.width;
  const at = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  const far = data.points.map((point) => Math.hypot(...place(point).map((v, i) => v - at[i])));
  const row = far.indexOf(Math.min(...far));
  attempt(async () => {
    $("worked").querySelector("pre").textContent = (await ask("worked", { row })).text;
    $("worked").hidden = false;
    $("worked").scrollIntoView({ behavior: "smooth" });
  });
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown && show(shown));

begin({});
