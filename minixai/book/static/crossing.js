// Chapter 12: min(x1, x2) pancakes from x1 eggs and x2 cups of milk, compared with what was there before. The milk rises.

export const KITCHENS = { "empty (0, 0)": [0, 0], "milk was there (0, 6)": [0, 6], "yesterday's (4, 8)": [4, 8] };
export const EGGS = 10;
const MOST = 12;
const relu = (t) => Math.max(t, 0);

// The ReLU's slope at the reference, for what did not move.
const slope = (y0) => (y0 > 0 ? 1 : 0);

// Rescale: one multiplier for relu(x1) and one for relu(x1 - x2); a pixel collects with the weights (1, 1) and (0, -1).
function rescale(x, before) {
  const m = [[x[0], before[0]], [x[0] - x[1], before[0] - before[1]]].map(([y, y0]) => (
    y === y0 ? slope(y0) : (relu(y) - relu(y0)) / (y - y0)
  ));
  return [(m[0] - m[1]) * (x[0] - before[0]), m[1] * (x[1] - before[1])];
}

// What good and bad news do to relu, each on average over coming first and coming second: (23), (24).
export function effects(y0, good, bad) {
  const both = relu(y0 + good + bad);
  return [
    (relu(y0 + good) - relu(y0) + both - relu(y0 + bad)) / 2,
    (relu(y0 + bad) - relu(y0) + both - relu(y0 + good)) / 2,
  ];
}

function revealCancel(x, before) {
  const d = [x[0] - before[0], x[1] - before[1]];
  const shares = [relu(x[0]) - relu(before[0]), 0]; // relu(x1) hears of the eggs only
  const news = [d[0], -d[1]]; // to relu(x1 - x2), eggs are good news and milk is bad news
  const y0 = before[0] - before[1];
  const [good, bad] = [1, -1].map((sign) => news.reduce((s, v) => s + (sign * v > 0 ? v : 0), 0));
  const [up, down] = effects(y0, good, bad);
  news.forEach((v, i) => { // each part hands its effect on to whoever brought it, in proportion; and S has -relu(x1 - x2)
    if (v > 0) shares[i] -= up * (v / good);
    if (v < 0) shares[i] -= down * (v / bad);
  });
  return shares;
}

export function shares(milk, kitchen) {
  const [x, before] = [[EGGS, milk], KITCHENS[kitchen]];
  return {
    now: Math.min(...x), before: Math.min(...before), Rescale: rescale(x, before), RevealCancel: revealCancel(x, before),
  };
}

export function sentence(milk, kitchen) {
  const { now, before, Rescale, RevealCancel } = shares(milk, kitchen);
  const pair = ([eggs, cups]) => `eggs ${written(eggs)}, milk ${written(cups)}`;
  return `Ten eggs and ${written(milk)} cups: ${written(now)} pancakes, ${written(before)} before. Rescale: ${pair(Rescale)}. `
    + `RevealCancel: ${pair(RevealCancel)}.`;
}

// Every place the reader has been to, in order; a place counts once.
export const visited = (seen, milk) => [...new Set([...seen, milk])].sort((a, b) => a - b);

const SVG = "http://www.w3.org/2000/svg";
const [WIDE, HIGH, LOW, TOP] = [430, 230, -2, 10];
const across = (milk) => 40 + (milk / MOST) * (WIDE - 60);
const down = (share) => 20 + ((TOP - share) / (TOP - LOW)) * (HIGH - 50);

function drawn(tag, attributes, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

// What the eggs get, at every place visited: a filled dot for Rescale, an open square for RevealCancel.
function chart(milk, kitchen, seen) {
  const shown = `What the eggs get, at ${seen.length} amounts of milk: dots for Rescale, squares for RevealCancel.`;
  const box = drawn("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, width: WIDE, height: HIGH, role: "img", "aria-label": shown });
  const line = (x1, y1, x2, y2, more) => box.append(drawn("line", { x1, y1, x2, y2, stroke: "#6e7781", ...more }));
  const text = (x, y, anchor, said) => box.append(
    drawn("text", { x, y, "text-anchor": anchor, "font-size": 12, "font-family": "sans-serif", fill: "currentColor" }, said),
  );
  line(across(0), down(0), across(MOST), down(0), {});
  for (const share of [0, 5, 10]) { line(across(0) - 4, down(share), across(0), down(share), {}); text(across(0) - 8, down(share) + 4, "end", String(share)); }
  for (const cups of [0, 2, 4, 6, 8, 10, 12]) text(across(cups), HIGH - 6, "middle", String(cups));
  line(across(milk), down(TOP), across(milk), down(LOW), { "stroke-dasharray": "3 3" });
  text(WIDE - 20, HIGH - 20, "end", "cups of milk");
  text(across(0), 12, "start", "what the eggs get:  ● Rescale   □ RevealCancel");
  for (const cups of seen) {
    const { Rescale, RevealCancel } = shares(cups, kitchen);
    const [x, y] = [across(cups), down(RevealCancel[0])];
    box.append(
      drawn("rect", { x: x - 5, y: y - 5, width: 10, height: 10, fill: "none", stroke: "#2166ac", "stroke-width": 1.5 }),
      drawn("circle", { cx: x, cy: down(Rescale[0]), r: 3, fill: "#b2182b" }),
    );
  }
  return box;
}

function render({ model, el }) {
  const get = () => model.get("state");
  const put = (change) => { model.set("state", { ...get(), ...change }); model.save_changes(); };
  const [out, plot, said] = [row(), make("div"), words()];
  const paint = () => {
    const { milk, kitchen, seen } = get();
    const found = shares(milk, kitchen);
    out.replaceChildren(...["Rescale", "RevealCancel"].map((rule) => (
      table({ label: `${rule}: eggs, milk`, values: [found[rule]] })
    )));
    plot.replaceChildren(chart(milk, kitchen, seen));
    said.textContent = sentence(milk, kitchen);
  };
  const { milk, kitchen } = get();
  const cups = range(
    { label: "cups of milk", min: 0, max: MOST, step: 0.25, value: milk },
    (v) => put({ milk: v, seen: visited(get().seen, v) }),
  );
  model.on("change:state", paint);
  el.append(figure(
    "Ten eggs, and milk that rises",
    choice({ label: "the kitchen before", options: Object.keys(KITCHENS), value: kitchen },
      (name) => put({ kitchen: name, seen: [get().milk] })),
    cups.element, out, plot, said,
  ));
  paint();
}

export default { render };
