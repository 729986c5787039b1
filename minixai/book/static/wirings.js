// Chapter 06: min(x1, x2), wired in two ways; what three backward walks say about the two pixels.

const WIRINGS = { "relu(x1) - relu(x1 - x2)": [[1, 0], [1, -1]], "relu(x2) - relu(x2 - x1)": [[0, 1], [-1, 1]] };
const HEAD = [1, -1];

export const wirings = () => Object.keys(WIRINGS);

export function walks(x, wiring) {
  const W = WIRINGS[wiring];
  const y = W.map((w) => w[0] * x[0] + w[1] * x[1]);
  const back = (open) => [0, 1].map((i) => HEAD.reduce((s, r, k) => s + (open(y[k], r) ? r * W[k][i] : 0), 0));
  return {
    score: HEAD.reduce((s, r, k) => s + r * Math.max(y[k], 0), 0),
    gradient: back((a) => a > 0),
    DeconvNet: back((a, r) => r > 0),
    guided: back((a, r) => a > 0 && r > 0),
  };
}

export function sentence(x, found) {
  const pair = (v) => `(${v.map(written).join(", ")})`;
  const { score, gradient, DeconvNet, guided } = found;
  return `At ${pair(x)} the score is ${written(score)}. Gradient ${pair(gradient)}, DeconvNet ${pair(DeconvNet)}, `
    + `guided ${pair(guided)}: one number per pixel.`;
}

function render({ model, el }) {
  const get = () => model.get("state");
  const put = (change) => {
    const state = structuredClone(get());
    change(state);
    model.set("state", state);
    model.save_changes();
  };
  const out = row();
  const said = words();
  const paint = () => {
    const { x, wiring } = get();
    const { score, ...found } = walks(x, wiring);
    out.replaceChildren(...Object.entries(found).map(([label, values]) => table({ label, values: [values] })));
    said.textContent = sentence(x, { score, ...found });
  };
  const { x, wiring } = get();
  const pixel = (i) => range(
    { label: `x${i + 1}`, min: 0, max: 12, step: 0.5, value: x[i] }, (v) => put((s) => { s.x[i] = v; }),
  ).element;
  model.on("change:state", paint);
  el.append(figure(
    "min(x1, x2), wired in two ways",
    pixel(0), pixel(1),
    choice({ label: "wiring", options: wirings(), value: wiring }, (v) => put((s) => { s.wiring = v; })),
    out, said,
  ));
  paint();
}

export default { render };
