// Chapter 17: six switches, and five small answers that depend on them. A library is a setting of the switches.

export const SWITCHES = {
  "sign of eps": ["as the number it joins", "always plus, as printed"],
  "bias (LRP-eps)": ["kept", "left out"],
  "bias (LRP-gamma)": ["grows with the weights", "stays as it is"],
  "places on the path (IG)": ["midpoint", "left", "right", "trapezoid", "1/n each, ends halved", "Gauss-Legendre"],
  "noise 3/20 (SmoothGrad)": ["of the picture's range", "as it is"],
  "spread (FEM), divided by": ["n", "n - 1"],
};

const names = Object.keys(SWITCHES);
const set = (...picks) => Object.fromEntries(names.map((name, k) => [name, SWITCHES[name][picks[k]]]));

// A library's defaults; a switch that it does not have is undefined.
export const LIBRARIES = {
  minixai: set(0, 0, 0, 0, 0, 0),
  Captum: set(0, 0, 1, 5, 1, undefined),
  "Captum, asked for a trapezoid": set(0, 0, 1, 4, 1, undefined),
  Zennit: set(0, 0, 0, 2, 0, undefined),
  "the survey, as printed": set(1, 0, 0, undefined, 0, undefined),
};

const sum = (v) => v.reduce((s, x) => s + x, 0);
const dot = (v, w) => sum(v.map((x, i) => x * w[i]));
const on = (state, k) => SWITCHES[names[k]].indexOf(state[names[k]]);

// LRP-eps, eps = 1: relevance (4, 4) at two neurons, shared out between two inputs.
function epsilon(state) {
  const [a, W, R] = [[2, 1], [[1, -1], [-3, 2]], [4, 4]];
  const z = W.map((w) => dot(w, a) + (on(state, 1) ? 0 : 1));
  const per = z.map((v, j) => R[j] / (v + (on(state, 0) || v >= 0 ? 1 : -1)));
  return a.map((v, i) => v * sum(W.map((w, j) => w[i] * per[j])));
}

// LRP-gamma, gamma = 1, on the neuron that fires with 2.
function gamma(state) {
  const products = [4, -1]; // a (w + w^+)
  return products.map((p) => (2 * p) / (sum(products) + (on(state, 2) ? 1 : 2)));
}

// Four places on the way from 0 to 1, and their weights.
export function places(state) {
  const [root, weight] = [[0.8611363115940526, 0.3399810435848563], [0.17392742256872692, 0.32607257743127307]];
  const at = (f) => [0, 1, 2, 3].map(f);
  const [even, thirds] = [at(() => 1 / 4), at((k) => k / 3)];
  return [
    [at((k) => (k + 0.5) / 4), even], [at((k) => k / 4), even], [at((k) => (k + 1) / 4), even],
    [thirds, [1 / 6, 1 / 3, 1 / 3, 1 / 6]], [thirds, [1 / 8, 1 / 4, 1 / 4, 1 / 8]],
    [[(1 - root[0]) / 2, (1 - root[1]) / 2, (1 + root[1]) / 2, (1 + root[0]) / 2], [weight[0], weight[1], weight[1], weight[0]]],
  ][on(state, 3)];
}

// IG: integrated gradients of S = x1^3 + x2 at (3, 1) from (1, 0): 26 and 1, if done exactly.
function integrated(state) {
  const [t, w] = places(state);
  return [2 * dot(w, t.map((v) => 3 * (1 + 2 * v) ** 2)), sum(w)];
}

// FEM, K = 1, on three maps: the mean of a map, wherever the map is at least its mean plus its spread.
function fem(state) {
  const out = [0, 0, 0, 0];
  for (const map of [[1, 1, 1, 1], [0, 0, 0, 4], [0, 0, 4, 4]]) {
    const mean = sum(map) / 4;
    const spread = Math.sqrt(sum(map.map((v) => (v - mean) ** 2)) / (on(state, 5) ? 3 : 4));
    map.forEach((v, i) => { out[i] += v >= mean + spread ? mean : 0; });
  }
  return [out.slice(0, 2), out.slice(2)];
}

// SmoothGrad's noise, sigma = 3/20, on the picture (-1, 0, 3).
const noise = (state) => [(on(state, 4) ? 1 : 4) * (3 / 20)];

export function answers(state) {
  return {
    "LRP-eps": [epsilon(state)],
    "LRP-gamma": [gamma(state)],
    IG: [integrated(state)],
    noise: [noise(state)],
    FEM: fem(state),
  };
}

// For every library, the switches that stand otherwise than its own.
export function otherwise(state) {
  return Object.fromEntries(Object.entries(LIBRARIES).map(([library, own]) => (
    [library, names.filter((name) => own[name] !== undefined && own[name] !== state[name])]
  )));
}

export function sentence(state) {
  const found = Object.entries(otherwise(state));
  const you = found.filter(([, switches]) => !switches.length).map(([library]) => library);
  if (you.length) return `You are now ${you.join(" and ")}.`;
  const [library, switches] = found.reduce((best, next) => (next[1].length < best[1].length ? next : best));
  return `You are no library of this list. The nearest is ${library}; what stands otherwise: ${switches.join(", ")}.`;
}

function list(state) {
  const cell = (tag, text, scope) => make(tag, scope ? { scope } : {}, text);
  const rows = Object.entries(otherwise(state)).map(([library, switches]) => (
    make("tr", {}, cell("th", library, "row"), cell("td", switches.length ? switches.join(", ") : "nothing: this is you"))
  ));
  const head = make("tr", {}, cell("th", "library", "col"), cell("th", "stands otherwise", "col"));
  return make("table", {}, make("caption", {}, "who you are"), make("thead", {}, head), make("tbody", {}, ...rows));
}

function render({ model, el }) {
  const start = model.get("state");
  const before = answers(start);
  const [out, who, said] = [row(), row(), words()];
  const paint = () => {
    const state = model.get("state");
    out.replaceChildren(...Object.entries(answers(state)).map(([label, values]) => table({
      label, values, mark: (i, j) => (Math.abs(values[i][j] - before[label][i][j]) > 1e-9 ? "mx-marked" : ""),
    })));
    who.replaceChildren(list(state));
    said.textContent = sentence(state);
  };
  const put = (name) => (option) => {
    model.set("state", { ...model.get("state"), [name]: option });
    model.save_changes();
  };
  model.on("change:state", paint);
  const switches = names.map((name) => choice({ label: name, options: SWITCHES[name], value: start[name] }, put(name)));
  el.append(figure("You are now library X", row(...switches), out, said, who));
  paint();
}

export default { render };
