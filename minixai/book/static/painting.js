// Chapter 04: the same sums twice. Every output paints the filter; every pixel collects with the filter turned round.

const at = (G, i, j) => (G[i] && G[i][j] !== undefined ? G[i][j] : 0);
const zeros = (rows, columns) => Array.from({ length: rows }, () => Array(columns).fill(0));

// The picture that one arriving number paints: the filter as it is, on the window of that output.
export function stroke(G, F, i, j) {
  const out = zeros(G.length + F.length - 1, G[0].length + F[0].length - 1);
  F.forEach((line, a) => line.forEach((f, b) => { out[i + a][j + b] = G[i][j] * f; }));
  return out;
}

// All strokes added up.
export function painted(G, F) {
  const out = zeros(G.length + F.length - 1, G[0].length + F[0].length - 1);
  G.forEach((line, i) => line.forEach((_, j) => stroke(G, F, i, j).forEach((r, a) => r.forEach((v, b) => { out[a][b] += v; }))));
  return out;
}

export const turned = (F) => F.map((line) => [...line].reverse()).reverse();

// What one pixel meets: the arriving numbers in its window (zeros outside), tap by tap of the turned filter.
export function collected(G, F, row, column) {
  const [h, w] = [F.length, F[0].length];
  const seen = F.map((line, a) => line.map((_, b) => at(G, row + a - h + 1, column + b - w + 1)));
  const taps = turned(F);
  const terms = seen.flatMap((line, a) => line.map((g, b) => [g, taps[a][b]]));
  return { seen, taps, terms, sum: terms.reduce((s, [g, f]) => s + g * f, 0) };
}

export function paintingWords(G, F) {
  const lit = G.flatMap((line, i) => line.map((g, j) => [g, i, j])).filter(([g]) => g !== 0);
  if (!lit.length) return "Nothing arrives, so nothing is painted.";
  return `${lit.map(([g, i, j]) => `${written(g)} at output row ${i + 1} column ${j + 1}`).join(", ")}: `
    + "each paints the filter as it is onto its window, and where strokes overlap they add.";
}

export function collectingWords(G, F, row, column) {
  const { terms, sum } = collected(G, F, row, column);
  const products = terms.map(([g, f]) => `${written(g)} x ${written(f)}`).join(" + ");
  return `The pixel in row ${row + 1} column ${column + 1} collects with the filter turned by 180 degrees: ${products} = ${written(sum)}.`;
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
  const pixel = row();
  const said = words();
  const paint = () => {
    const { G, F, mode, pixel: [r, c] } = get();
    const whole = painted(G, F);
    const sum = table({
      label: "at the input", values: whole, mark: (i, j) => (mode === "collect" && i === r && j === c ? "mx-marked" : ""),
    });
    pixel.hidden = mode === "paint";
    if (mode === "paint") {
      const strokes = G.flatMap((line, i) => line.map((g, j) => [g, i, j])).filter(([g]) => g !== 0)
        .map(([g, i, j]) => table({ label: `${written(g)} paints`, values: stroke(G, F, i, j) }));
      out.replaceChildren(...strokes, sum);
      said.textContent = paintingWords(G, F);
    } else {
      const { seen, taps } = collected(G, F, r, c);
      out.replaceChildren(
        table({ label: "arriving, in its window", values: seen }), table({ label: "filter, turned", values: taps }), sum,
      );
      said.textContent = collectingWords(G, F, r, c);
    }
  };
  const { G, F, mode, pixel: [r, c] } = get();
  const steps = (axis, label, count, value) => range(
    { label, min: 1, max: count, step: 1, value: value + 1 }, (v) => put((s) => { s.pixel[axis] = Math.round(v) - 1; }),
  ).element;
  pixel.append(
    steps(0, "row of the pixel", G.length + F.length - 1, r), steps(1, "column of the pixel", G[0].length + F[0].length - 1, c),
  );
  model.on("change:state", paint);
  el.append(figure(
    "Painting and collecting",
    choice({ label: "how", options: ["paint", "collect"], value: mode }, (v) => put((s) => { s.mode = v; })),
    row(
      grid({ label: "signal, arriving at the output", values: G }, (i, j, v) => put((s) => { s.G[i][j] = v; })),
      grid({ label: "filter", values: F }, (i, j, v) => put((s) => { s.F[i][j] = v; })),
    ),
    pixel, out, said,
  ));
  paint();
}

export default { render };
