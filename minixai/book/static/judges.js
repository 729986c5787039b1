// Chapter 15: the reader paints a map, and judges with an outline of the animal grade it.

const AREA = 1 / 5; // of the picture: what counts as marked
const flat = (M) => M.flat();

// Of all pairs of a pixel on the object and one off it, the share that the one on it wins; a tie is half a win.
export function auc(map, mask) {
  const [ours, others] = [1, 0].map((side) => flat(map).filter((_, i) => flat(mask)[i] === side));
  let halves = 0;
  for (const a of ours) for (const b of others) halves += a > b ? 2 : a === b ? 1 : 0;
  return halves / (2 * ours.length * others.length);
}

// The largest fifth and whatever ties with its smallest, but nothing that is at the map's minimum.
export function region(map) {
  const values = flat(map);
  const falling = [...values].sort((a, b) => b - a);
  const least = falling[Math.ceil(AREA * values.length) - 1];
  const low = falling[falling.length - 1];
  return map.map((line) => line.map((v) => (v >= least && v > low ? 1 : 0)));
}

export function iou(map, mask) {
  const [marked, object] = [flat(region(map)), flat(mask)];
  const both = marked.filter((m, i) => m && object[i]).length;
  return both / marked.filter((m, i) => m || object[i]).length;
}

// Row and column of the first largest number.
export function peak(map) {
  const values = flat(map);
  const at = values.indexOf(Math.max(...values));
  return [Math.floor(at / map[0].length), at % map[0].length];
}

export const pointing = (map, mask) => { const [i, j] = peak(map); return mask[i][j] === 1; };

// A click with the brush; a cell that has the brush's number already is wiped.
export function painted(state, i, j) {
  const map = state.map.map((line) => [...line]);
  map[i][j] = map[i][j] === state.brush ? 0 : state.brush;
  return { ...state, map };
}

export function sentence({ map, mask }) {
  const [a, p] = [auc(map, mask), pointing(map, mask)];
  const values = flat(map);
  if (values.every((v) => v === values[0])) {
    return "The map is the same everywhere: every pair is a tie, AUC 0.50. Choose a brush, then paint.";
  }
  const [i, j] = peak(map);
  const judged = `AUC ${a.toFixed(2)}; IoU ${iou(map, mask).toFixed(2)}; the first largest number is in row ${i + 1}, `
    + `column ${j + 1}, ${p ? "on the animal: the pointing game is won" : "off the animal: the pointing game is lost"}.`;
  if (a > 0.9 && !p) return `${judged} That is the goal: AUC is above 0.9, and the map points beside the animal.`;
  if (a <= 0.9 && p) return `${judged} AUC has to rise above 0.9.`;
  return `${judged} ${p ? "Half of the goal: now lose the pointing game." : "Half of the goal: now let AUC rise above 0.9."}`;
}

const SHADES = ["#000004", "#641a80", "#de4968", "#fcfdbf"]; // of 0 to 3; the number stands there, too
const INK = ["#fff", "#fff", "#000", "#000"];

function board(mask, press) {
  const cells = mask.map((line, i) => line.map((on, j) => {
    const cell = make("button", { type: "button", tabindex: i + j ? "-1" : "0" });
    cell.addEventListener("click", () => press(i, j));
    cell.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      const next = step && cells[i + step[0]] && cells[i + step[0]][j + step[1]];
      if (!next) return;
      event.preventDefault();
      flat(cells).forEach((other) => other.setAttribute("tabindex", other === next ? "0" : "-1"));
      next.focus();
    });
    return cell;
  }));
  const show = (map) => cells.forEach((line, i) => line.forEach((cell, j) => {
    const [v, on] = [map[i][j], mask[i][j] === 1];
    cell.textContent = String(v);
    cell.setAttribute("aria-label", `row ${i + 1}, column ${j + 1}, ${on ? "on" : "off"} the animal: ${v}`);
    cell.setAttribute("style", `width: 2.3em; height: 2.3em; padding: 0; border-radius: 0; font-weight: ${on ? "bold" : "normal"}; `
      + `background: ${SHADES[v]}; color: ${INK[v]}; border: ${on ? "4px double #2da44e" : "1px solid #6e7781"};`);
  }));
  const rows = cells.map((line) => make("tr", {}, ...line.map((cell) => make("td", { style: "padding: 0;" }, cell))));
  const element = make("table", {}, make("caption", {}, "your map; the animal has double borders"), make("tbody", {}, ...rows));
  return { element, show };
}

function grades({ map, mask }) {
  const cell = (tag, text, scope) => make(tag, scope ? { scope } : {}, text);
  const said = [
    ["AUC", auc(map, mask).toFixed(2)], ["IoU, largest fifth", iou(map, mask).toFixed(2)],
    ["pointing game", pointing(map, mask) ? "won" : "lost"],
  ];
  const rows = said.map(([name, grade]) => make("tr", {}, cell("th", name, "row"), cell("td", grade)));
  const head = make("tr", {}, cell("th", "judge", "col"), cell("th", "grade", "col"));
  return make("table", {}, make("caption", {}, "judges"), make("thead", {}, head), make("tbody", {}, ...rows));
}

function render({ model, el }) {
  const get = () => model.get("state");
  const put = (state) => { model.set("state", state); model.save_changes(); };
  const { mask, brush } = get();
  const [judged, said] = [row(), words()];
  const { element, show } = board(mask, (i, j) => put(painted(get(), i, j)));
  const paint = () => {
    const state = get();
    show(state.map);
    judged.replaceChildren(grades(state));
    said.textContent = `${sentence(state)} You paint with ${state.brush}.`;
  };
  model.on("change:state", paint);
  el.append(figure(
    "Paint a map and have it judged",
    choice({ label: "brush", options: ["1", "2", "3"], value: String(brush) }, (v) => put({ ...get(), brush: Number(v) })),
    row(element, judged), said,
  ));
  paint();
}

export default { render };
