// Chapter 03: what one number sees of the picture. All filters are 3 x 3; on how many ways does each pixel reach it?

const TAPS = 3;

// How many windows fit on an axis.
export const fits = (n, stride, padding) => Math.floor((n + 2 * padding - TAPS) / stride) + 1;

// The side of the picture, of the first layer's answer, and so on.
export function sides(side, layers, stride, padding) {
  const found = [side];
  for (let k = 0; k < layers; k += 1) found.push(fits(found[k], stride, padding));
  return found;
}

// Along one axis, from the number at `place` down to the picture: ways[0] belongs to the picture.
export function along(side, layers, stride, padding, place) {
  const all = sides(side, layers, stride, padding);
  const ways = [Array.from({ length: all[layers] }, (_, i) => Number(i === place))];
  for (let k = layers - 1; k >= 0; k -= 1) {
    const below = Array(all[k]).fill(0);
    ways[0].forEach((count, i) => {
      for (let t = 0; t < TAPS; t += 1) {
        const j = i * stride - padding + t;
        if (j >= 0 && j < all[k]) below[j] += count;
      }
    });
    ways.unshift(below);
  }
  return ways;
}

// A way in the plane is a way along the rows and one along the columns.
export function ways(side, layers, stride, padding, [row, column]) {
  const down = along(side, layers, stride, padding, row);
  const across = along(side, layers, stride, padding, column);
  return down.map((rows, k) => rows.map((r) => across[k].map((c) => r * c)));
}

const ends = (counts) => [counts.findIndex((v) => v > 0), counts.findLastIndex((v) => v > 0)];
const span = (name, [first, last]) => (
  first === last ? `${name} ${first + 1}` : `${name}s ${first + 1} to ${last + 1}`
);

export function sentence({ side, layers, stride, padding, cell }) {
  const [rows, columns] = cell.map((place) => ends(along(side, layers, stride, padding, place)[0]));
  const [high, wide] = [rows, columns].map(([first, last]) => last - first + 1);
  const whole = 1 + (TAPS - 1) * (layers === 1 ? 1 : 1 + stride);
  const cut = high < whole || wide < whole ? ` The rest of its patch, ${whole} by ${whole}, lies outside.` : "";
  const sizes = sides(side, layers, stride, padding).map((n) => `${n} by ${n}`).join(", then ");
  return `${sizes}. The number in row ${cell[0] + 1} column ${cell[1] + 1} sees ${span("row", rows)} and `
    + `${span("column", columns)} of the picture, ${high} by ${wide} pixels.${cut}`;
}

function render({ model, el }) {
  const get = () => model.get("state");
  const put = (change) => {
    const state = structuredClone(get());
    change(state);
    const last = sides(state.side, state.layers, state.stride, state.padding)[state.layers] - 1;
    state.cell = state.cell.map((place) => Math.min(place, last));
    model.set("state", state);
    model.save_changes();
  };
  const out = row();
  const place = row();
  const said = words();
  let offered = 0;
  const offer = (count, cell) => { // rows and columns to choose from; only when their number changes
    offered = count;
    place.replaceChildren(...["row", "column"].map((axis, k) => range(
      { label: `${axis} of the number`, min: 1, max: count, step: 1, value: cell[k] + 1 },
      (v) => put((s) => { s.cell[k] = Math.round(v) - 1; }),
    ).element));
  };
  const paint = () => {
    const { side, layers, stride, padding, cell } = get();
    const found = ways(side, layers, stride, padding, cell);
    const top = found.length - 1;
    if (offered !== found[top].length) offer(found[top].length, cell);
    out.replaceChildren(...found.map((values, k) => table({
      label: k === top ? "one number above" : k === 0 ? "picture" : `layer ${k}`,
      values,
      mark: (i, j) => (k === top && i === cell[0] && j === cell[1] ? "mx-marked" : ""),
    })));
    said.textContent = sentence(get());
  };
  const named = { layers: ["1 layer", "2 layers"], stride: ["stride 1", "stride 2"], padding: ["no padding", "padding 1"] };
  const radio = (name, first) => choice(
    { label: name, options: named[name], value: named[name][get()[name] - first] },
    (v) => put((s) => { s[name] = named[name].indexOf(v) + first; }),
  );
  model.on("change:state", paint);
  el.append(figure(
    "What one number sees",
    row(radio("layers", 1), radio("stride", 1), radio("padding", 0)), place, out, said,
  ));
  paint();
}

export default { render };
