// Chapter 16: x1 + x2 - x3 at k times (0.1, 0.2, 0.3), which is 0 on paper: in three arithmetics, added in three orders.

const ORDERS = {
  "(x1 + x2) - x3": (x, rounded) => rounded(rounded(x[0] + x[1]) - x[2]),
  "x1 + (x2 - x3)": (x, rounded) => rounded(x[0] + rounded(x[1] - x[2])),
  "(x1 - x3) + x2": (x, rounded) => rounded(rounded(x[0] - x[2]) + x[1]),
};
const ARITHMETICS = { paper: null, float64: (v) => v, float32: Math.fround };
const STEEP = 10; // S = x1 + x2 + x3 + 10 relu(x1 + x2 - x3)

export const orders = () => Object.keys(ORDERS);
export const arithmetics = () => Object.keys(ARITHMETICS);

// What x1 + x2 - x3 comes to. On paper, in tenths: k + 2k - 3k.
export function sum(k, order, arithmetic) {
  const rounded = ARITHMETICS[arithmetic];
  return rounded ? ORDERS[order]([1, 2, 3].map((j) => rounded((k * j) / 10)), rounded) : k + 2 * k - 3 * k;
}

// The slopes of S at the three pixels: what the gate lets through comes on top of 1.
export const slopes = (z) => [1, 1, -1].map((w) => 1 + (z > 0 ? STEEP * w : 0));

export const small = (z) => (z === 0 ? "0" : z.toExponential(1));

export function sentence(k, order) {
  const said = arithmetics().map((name) => {
    const z = sum(k, order, name);
    return `${name} ${small(z)}, ${z > 0 ? "open" : "shut"}`;
  });
  return `x = (${[1, 2, 3].map((j) => written((k * j) / 10)).join(", ")}), ${order}: ${said.join("; ")}.`;
}

function render({ model, el }) {
  const get = () => model.get("state");
  const put = (change) => {
    model.set("state", { ...get(), ...change });
    model.save_changes();
  };
  const body = make("tbody");
  const said = words();
  const head = ["computed", "x1 + x2 - x3", "gate", "slopes of the pixels"].map((t) => make("th", { scope: "col" }, t));
  const cell = (text, mark = "mx-zero") => make("td", { class: mark, style: "min-width: 6em" }, text);
  const line = (name, z) => make(
    "tr", {}, make("th", { scope: "row" }, name), cell(small(z)),
    z > 0 ? cell("open", "mx-plus mx-marked") : cell("shut"), cell(slopes(z).join(", ")),
  );
  const paint = () => {
    const { k, order } = get();
    const rows = arithmetics().map((name) => line(name, sum(k, order, name)));
    body.replaceChildren(make("tr", {}, ...head), ...rows);
    said.textContent = sentence(k, order);
  };
  const { k, order } = get();
  model.on("change:state", paint);
  el.append(figure(
    "A sum that is 0 on paper",
    range({ label: "k", min: 1, max: 20, step: 1, value: k }, (v) => put({ k: v })).element,
    choice({ label: "added in the order", options: orders(), value: order }, (v) => put({ order: v })),
    make("table", { class: "mx-table" }, make("caption", {}, "k times (0.1, 0.2, 0.3)"), body), said,
  ));
  paint();
}

export default { render };
