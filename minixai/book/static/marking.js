// Chapter 05: a strip falls from its peak to 0. The reader marks the patch that is worth half; own errors, by colours.

export const MAPS = ["jet", "magma", "grey"];
const HALF = 0.5;
const LOOKING = "still looking";
const READY = "this is half";

export const colour = (tables, name, v) => tables[name][Math.round(255 * v)];

// How light an eye finds a colour, from 0 (black) to 100 (white): CIE 1976 L*.
export function lightness(rgb) {
  const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  const Y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return Y > 216 / 24389 ? 116 * Math.cbrt(Y) - 16 : (Y * 24389) / 27;
}

// The grey that is as light as this colour: what a grey printer makes of it.
export function grey(rgb) {
  const L = lightness(rgb);
  const Y = L > 8 ? ((L + 16) / 116) ** 3 : (L * 27) / 24389;
  const c = Math.round(255 * (Y <= 0.0031308 ? 12.92 * Y : 1.055 * Y ** (1 / 2.4) - 0.055));
  return [c, c, c];
}

// The patch that a reader marks who sees only light and dark: half-way in lightness between the strip's ends.
export function byLight(tables, name, values) {
  const light = values.map((v) => lightness(colour(tables, name, v)));
  const half = (light[0] + light[light.length - 1]) / 2;
  const far = light.map((L) => Math.abs(L - half));
  return far.indexOf(Math.min(...far));
}

export const off = (values, mark) => Math.abs(values[mark - 1] - HALF);

// marks: [colours, number of the hill, patch (from 1)]. Per colours: how many, the reader's mean error, and that of
// somebody who sees only light and dark (on all hills; told once the reader has marked a strip in these colours).
export function tally(state) {
  return MAPS.map((name) => {
    const mine = state.marks.filter(([colours]) => colours === name);
    const mean = (errors) => (errors.length ? errors.reduce((s, e) => s + e, 0) / errors.length : null);
    return {
      name,
      marks: mine.length,
      yours: mean(mine.map(([, hill, mark]) => off(state.hills[hill], mark))),
      light: mine.length ? mean(state.hills.map((values) => off(values, byLight(state.tables, name, values) + 1))) : null,
    };
  });
}

// The strip in view: the next one, or, once a mark is taken, the one it was taken on.
export function hillOf(state) {
  const count = state.marks.length - (state.ready === READY ? 1 : 0);
  return count % state.hills.length;
}

export function sentence(state) {
  const values = state.hills[hillOf(state)];
  if (state.ready !== READY) {
    return `A strip of ${values.length} patches in ${state.colours}, from its peak at the left down to 0 at the right. `
      + `Your mark stands at patch ${state.mark}. Choose "${READY}" when you are content.`;
  }
  const [colours, , mark] = state.marks[state.marks.length - 1];
  const right = values.indexOf(HALF) + 1;
  const light = values.map((v) => lightness(colour(state.tables, colours, v)));
  return `You marked patch ${mark}, which is worth ${decimals(values[mark - 1])}. Half is patch ${right}. You are off by `
    + `${decimals(off(values, mark))}. In the grey copy patch ${light.indexOf(Math.max(...light)) + 1} is the lightest. `
    + `Choose "${LOOKING}" for the next strip.`;
}

const decimals = (v) => v.toFixed(2);

// Taking a mark, and going on to the next strip.
export function answered(state, ready) {
  if (ready === state.ready) return state;
  const marks = ready === READY ? [...state.marks, [state.colours, hillOf(state), state.mark]] : state.marks;
  return { ...state, ready, marks, mark: ready === READY ? state.mark : 1 };
}

function strip(label, cells, mark) {
  const each = cells.map((rgb, i) => make("div", {
    style: `flex: 1; height: 2.2em; background: rgb(${rgb.join(",")}); `
      + (i + 1 === mark ? "outline: 3px double #000; outline-offset: 1px; z-index: 1;" : ""),
  }));
  const under = make("div", { style: "display: flex; height: 1.4em;" }, ...cells.map((_, i) => (
    make("div", { style: "flex: 1; text-align: center; font-weight: bold;" }, i + 1 === mark ? "▲" : "")
  )));
  return make("figure", { style: "max-width: 40em; margin: 0.6em 0 0;" }, make("figcaption", {}, label),
    make("div", { role: "img", "aria-label": label }, make("div", { style: "display: flex;" }, ...each), under));
}

function heights(values) {
  const bars = values.map((v) => make("div", {
    style: `flex: 1; height: ${Math.max(1, 100 * v)}%; background: ${v >= HALF ? "#57606a" : "#c6cbd1"}; margin-right: 1px;`,
  }));
  return make("div", {
    role: "img", "aria-label": "The strip's numbers as bars; dark ones are worth half or more.",
    style: "display: flex; align-items: flex-end; height: 5em; max-width: 40em; margin: 0 0 0.8em;",
  }, ...bars);
}

function scores(state) {
  const cell = (tag, text, scope) => make(tag, scope ? { scope } : {}, text);
  const say = (v) => (v === null ? "-" : decimals(v));
  const rows = tally(state).map(({ name, marks, yours, light }) => make(
    "tr", {}, cell("th", name, "row"), cell("td", String(marks)), cell("td", say(yours)), cell("td", say(light)),
  ));
  const head = ["colours", "your marks", "you are off by", "who sees only light and dark"];
  return make("table", {}, make("caption", {}, "mean error"),
    make("thead", {}, make("tr", {}, ...head.map((text) => cell("th", text, "col")))), make("tbody", {}, ...rows));
}

function render({ model, el }) {
  const get = () => model.get("state");
  const put = (state) => { model.set("state", state); model.save_changes(); };
  const [view, who, said] = [make("div"), row(), words()];
  const { colours, mark, ready, hills } = get();
  const marker = range(
    { label: "your mark, patch", min: 1, max: hills[0].length, step: 1, value: mark },
    (v) => put({ ...get(), mark: get().ready === READY ? get().mark : Math.round(v) }),
  );
  const paint = () => {
    const state = get();
    const taken = state.ready === READY;
    const name = taken ? state.marks[state.marks.length - 1][0] : state.colours;
    const values = state.hills[hillOf(state)];
    const cells = values.map((v) => colour(state.tables, name, v));
    view.replaceChildren(strip(`The strip in ${name}, your mark at patch ${state.mark}`, cells, state.mark));
    if (taken) view.append(strip("Its grey copy, and the patch that is worth half", cells.map(grey), values.indexOf(HALF) + 1), heights(values));
    who.replaceChildren(scores(state));
    said.textContent = sentence(state);
    marker.set(state.mark);
  };
  model.on("change:state", paint);
  el.append(figure(
    "Which patch is worth half?",
    choice({ label: "colours", options: MAPS, value: colours }, (name) => put({ ...get(), colours: name })),
    view, marker.element,
    choice({ label: "ready?", options: [LOOKING, READY], value: ready }, (option) => put(answered(get(), option))),
    said, who,
  ));
  paint();
}

export default { render };
