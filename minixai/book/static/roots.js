// Chapter 11: one neuron, a = (3, 1), w = (1, -1), no bias. The point of comparison slides along the silent line (s, s).

export const [A, W] = [[3, 1], [1, -1]];
export const RULES = [
  [-1, "alpha 2 beta 1"], [0, "LRP-0"], [0.6, "gamma 1"], [1, "z+"], [1.8, "z^B (0 to 3)"], [2, "w^2"],
];
const [LEAST, MOST] = [-2, 4];
const sum = (v) => v.reduce((s, x) => s + x, 0);

// How far each input moved from the point to a, what it gets for that, and what is left at the point: (18).
export function shares(root) {
  const moved = A.map((a, i) => a - root[i]);
  const inputs = moved.map((d, i) => d * W[i]);
  return { moved, inputs, together: sum(inputs), left: sum(root.map((x, i) => x * W[i])) };
}

export const ruleAt = (s) => (RULES.find(([at]) => Math.abs(at - s) < 1e-6) ?? [s, ""])[1];

// The rules found so far, in the order of the line.
export const found = (seen, s) => RULES.map(([, name]) => name).filter((name) => seen.includes(name) || name === ruleAt(s));

const step = (d) => (d > 0 ? `${written(d)} higher` : d < 0 ? `${written(-d)} lower` : "the same");

export function sentence(s) {
  const { moved, inputs, together } = shares([s, s]);
  const [one, two] = moved.map((d, i) => `input ${i + 1} is ${step(d)} and gets ${written(inputs[i])}`);
  const name = ruleAt(s);
  const never = s < 0 ? " No activation is ever negative, so this point cannot occur." : "";
  return `Compared with (${written(s)}, ${written(s)}), where the neuron says 0: ${one}; ${two}. Together `
    + `${written(together)}.${name ? ` This is ${name}.` : ""}${never}`;
}

const SVG = "http://www.w3.org/2000/svg";
const UNIT = 52;
const SIDE = (MOST - LEAST) * UNIT + 20;
const across = (v) => 10 + (v - LEAST) * UNIT;
const down = (v) => SIDE - 10 - (v - LEAST) * UNIT;

function drawn(tag, attributes, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

// The plane of both inputs: where the neuron is off, the silent line, a, the point, and the two steps between them.
function plane(s, seen) {
  const shown = `The plane of both inputs, with the silent line, the neuron at (3, 1) and the comparison at (${written(s)}, ${written(s)}).`;
  const box = drawn("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, width: SIDE, height: SIDE, role: "img", "aria-label": shown });
  const put = (tag, attributes, text) => box.append(drawn(tag, attributes, text));
  const line = (x1, y1, x2, y2, more) => put("line", {
    x1: across(x1), y1: down(y1), x2: across(x2), y2: down(y2), stroke: "#6e7781", ...more,
  });
  const text = (x, y, said, more = {}) => put("text", {
    x: across(x), y: down(y), "font-size": 12, "font-family": "sans-serif", fill: "currentColor", ...more,
  }, said);
  const corners = [[LEAST, LEAST], [LEAST, MOST], [MOST, MOST]].map(([x, y]) => `${across(x)},${down(y)}`).join(" ");
  put("polygon", { points: corners, fill: "#8c959f", "fill-opacity": 0.25 });
  line(LEAST, 0, MOST, 0, {});
  line(0, LEAST, 0, MOST, {});
  for (const v of [1, 2, 3]) { text(v, -0.28, String(v), { "text-anchor": "middle" }); text(-0.12, v - 0.08, String(v), { "text-anchor": "end" }); }
  text(MOST, 0.12, "input 1", { "text-anchor": "end" });
  text(0.1, MOST - 0.2, "input 2");
  text(-1.8, 2.6, "off: says 0");
  text(2.4, -1.3, "on");
  line(LEAST, LEAST, MOST, MOST, { stroke: "currentColor", "stroke-width": 2 });
  text(-1.6, -1.9, "the silent line");
  for (const [at, name] of RULES) {
    if (!seen.includes(name)) continue;
    put("circle", { cx: across(at), cy: down(at), r: 3, fill: "currentColor" });
    if (at < 0) text(at + 0.2, at - 0.15, name, { "font-size": 11 });
    else text(at - 0.12, at + 0.12, name, { "text-anchor": "end", "font-size": 11 });
  }
  line(s, s, A[0], s, { stroke: "#b2182b", "stroke-width": 3 });
  line(A[0], s, A[0], A[1], { stroke: "#2166ac", "stroke-width": 3, "stroke-dasharray": "6 3" });
  put("circle", { cx: across(s), cy: down(s), r: 7, fill: "none", stroke: "currentColor", "stroke-width": 2 });
  put("circle", { cx: across(A[0]), cy: down(A[1]), r: 6, fill: "currentColor" });
  text(A[0] + 0.15, A[1] - 0.05, "(3, 1)");
  return box;
}

function list(s) {
  const { moved, inputs, together, left } = shares([s, s]);
  const rows = [["", "moved by", "weight", "gets"],
    ["input 1 (solid)", moved[0], W[0], inputs[0]], ["input 2 (dashed)", moved[1], W[1], inputs[1]],
    ["together", "", "", together], ["left at the point", "", "", left]];
  return make("table", {}, make("caption", {}, `compared with (${written(s)}, ${written(s)})`), make("tbody", {}, ...rows.map(
    ([name, ...cells], i) => make("tr", {}, make("th", { scope: "row" }, name), ...cells.map((v) => make(
      i ? "td" : "th", { style: "min-width: 4em; text-align: right" }, typeof v === "number" ? written(v) : v,
    ))),
  )));
}

function render({ model, el }) {
  const [out, said, names] = [row(), words(), make("p")];
  const paint = () => {
    const { s, seen } = model.get("state");
    out.replaceChildren(plane(s, seen), list(s));
    said.textContent = sentence(s);
    names.textContent = `Rules found: ${seen.length} of ${RULES.length}${seen.length ? ` (${seen.join("; ")})` : ""}.`;
  };
  const { s } = model.get("state");
  const slider = range({ label: "both inputs, compared with", min: LEAST, max: MOST, step: 0.2, value: s }, (v) => {
    model.set("state", { s: v, seen: found(model.get("state").seen, v) });
    model.save_changes();
  });
  model.on("change:state", paint);
  el.append(figure("A point of comparison on the silent line", slider.element, out, said, names));
  paint();
}

export default { render };
