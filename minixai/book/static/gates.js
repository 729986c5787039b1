// Chapter 06: three gates of a ReLU. The reader changes y and R.

export function gates(y, R) {
  const where = (passes) => R.map((line, i) => line.map((r, j) => (passes(y[i][j], r) ? r : 0)));
  return {
    gradient: where((a) => a > 0),
    DeconvNet: where((a, r) => r > 0),
    guided: where((a, r) => a > 0 && r > 0),
  };
}

// The cells, counted row by row, in which not all three agree.
export function disputed(found) {
  const cells = [];
  found.gradient.forEach((line, i) => line.forEach((v, j) => {
    if (v !== found.DeconvNet[i][j] || v !== found.guided[i][j]) cells.push([i, j]);
  }));
  return cells;
}

export function sentence(cells) {
  if (!cells.length) return "All three agree in every cell.";
  return `They differ in ${cells.length === 1 ? "1 cell" : `${cells.length} cells`}: `
    + `${cells.map(([i, j]) => `row ${i + 1} column ${j + 1}`).join("; ")}.`;
}

function render({ model, el }) {
  const out = row();
  const said = words();
  const paint = () => {
    const found = gates(model.get("state").y, model.get("state").R);
    const cells = disputed(found);
    const mark = (i, j) => (cells.some(([a, b]) => a === i && b === j) ? "mx-marked" : "");
    out.replaceChildren(...Object.entries(found).map(([label, values]) => table({ label, values, mark })));
    said.textContent = sentence(cells);
  };
  const change = (name) => (i, j, v) => {
    const state = structuredClone(model.get("state"));
    state[name][i][j] = v;
    model.set("state", state);
    model.save_changes();
  };
  model.on("change:state", paint);
  el.append(figure(
    "Three gates of a ReLU",
    row(
      grid({ label: "y, on the way forward", values: model.get("state").y }, change("y")),
      grid({ label: "R, arriving", values: model.get("state").R }, change("R")),
    ),
    out, said,
  ));
  paint();
}

export default { render };
