// Chapter 10: one neuron, a = (2, 1), w = (1, -1), and a bias. What it fires with is shared out by a rule.

const [A, W] = [[2, 1], [1, -1]];
const plus = (v) => Math.max(v, 0);
const minus = (v) => Math.min(v, 0);
const sum = (v) => v.reduce((s, x) => s + x, 0);

export const RULES = { "LRP-eps": "eps", "LRP-gamma": "gamma", "LRP-alpha-beta": "beta" };

// One quotient: numerators and what stays there, each over their sum; nothing is handed on where that sum is 0.
function quotient(numerators, bias, eps, R) {
  const d = sum(numerators) + bias + eps;
  return d === 0
    ? { inputs: numerators.map(() => 0), bias: 0, eps: R }
    : { inputs: numerators.map((n) => (n * R) / d), bias: (bias * R) / d, eps: (eps * R) / d };
}

// What the neuron fires with, what its inputs get, and what stays at its bias and at eps.
export function shared({ rule, t, b }) {
  const products = A.map((a, i) => a * W[i]);
  const z = sum(products) + b;
  if (z <= 0) return { z, inputs: [0, 0], bias: 0, eps: 0 };
  if (rule === "LRP-eps") return { z, ...quotient(products, b, t, z) };
  if (rule === "LRP-gamma") return { z, ...quotient(products.map((p) => p + t * plus(p)), b + t * plus(b), 0, z) };
  const up = quotient(products.map(plus), plus(b), 0, (1 + t) * z);
  const down = quotient(products.map(minus), minus(b), 0, -t * z);
  return { z, inputs: up.inputs.map((v, i) => v + down.inputs[i]), bias: up.bias + down.bias, eps: up.eps + down.eps };
}

export function sentence(state) {
  const { z, inputs, bias, eps } = shared(state);
  if (z <= 0) return `z = ${written(z)}: the neuron is off, and nothing arrives that could be shared out.`;
  const [one, two] = inputs.map(written);
  const third = state.rule === "LRP-eps" ? `, ${written(eps)} at eps` : "";
  return `${state.rule}, ${RULES[state.rule]} = ${written(state.t)}, bias ${written(state.b)}: R = ${written(z)} arrives. `
    + `The inputs get ${one} and ${two}, together ${written(sum(inputs))}; ${written(bias)} stays at the bias${third}.`;
}

const REACH = 8; // the largest number that still has room for its bar

// A bar from the middle, to the right for a positive number and to the left for a negative one.
function bar(v) {
  const share = Math.min(Math.abs(v) / REACH, 1) * 50;
  const side = v < 0 ? `right: 50%; background: #2166ac` : `left: 50%; background: #b2182b`;
  const fill = make("span", { style: `position: absolute; top: 3px; bottom: 3px; width: ${share}%; ${side}` });
  const middle = make("span", { style: "position: absolute; top: 0; bottom: 0; left: 50%; border-left: 1px solid #333" });
  const frame = "position: relative; display: inline-block; width: 15em; height: 1.4em; vertical-align: middle";
  return make("span", { style: frame, "aria-hidden": "true" }, fill, middle);
}

function list(state) {
  const { z, inputs, bias, eps } = shared(state);
  const rows = [["arrives, R", z], ["input 1 gets", inputs[0]], ["input 2 gets", inputs[1]],
    ["both together", sum(inputs)], ["stays at the bias", bias]];
  if (state.rule === "LRP-eps") rows.push(["stays at eps", eps]);
  return make("table", {}, make("caption", {}, "a = (2, 1), w = (1, -1)"), make("tbody", {}, ...rows.map(([name, v]) => (
    make("tr", {}, make("th", { scope: "row" }, name), make("td", { style: "min-width: 5em" }, written(v)), make("td", {}, bar(v)))
  ))));
}

function render({ model, el }) {
  const start = model.get("state");
  const [out, said] = [row(), words()];
  const paint = () => {
    out.replaceChildren(list(model.get("state")));
    said.textContent = sentence(model.get("state"));
  };
  const put = (name) => (v) => {
    model.set("state", { ...model.get("state"), [name]: v });
    model.save_changes();
  };
  model.on("change:state", paint);
  const slider = (label, name, max, min) => range({ label, min, max, step: 0.25, value: start[name] }, put(name)).element;
  el.append(figure(
    "One neuron, shared out",
    choice({ label: "rule", options: Object.keys(RULES), value: start.rule }, put("rule")),
    slider("eps, gamma or beta", "t", 4, 0), slider("bias", "b", 3, -1.5), out, said,
  ));
  paint();
}

export default { render };
