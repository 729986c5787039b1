// What every figure without a kernel is made of. A figure's own script follows; both become one module.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

let made = 0;
const fresh = (stem) => `mx-${stem}-${Date.now().toString(36)}-${made++}`;

// A number as people write it: 0.25, not 0.250000.
export const written = (v) => String(Math.round(v * 1000) / 1000);

// JupyterLab leaves the keys to an element that says so, and it must be the very one that has the focus.
export function keepKeys(element) {
  element.addEventListener("focusin", (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true"));
  return element;
}

// A slider and a number box that always agree.
export function range({ label, min, max, step, value }, changed) {
  const id = fresh("range");
  const limits = { min, max, step };
  const slider = make("input", { type: "range", id, ...limits });
  const box = make("input", { type: "number", "aria-label": `${label}, as a number`, ...limits });
  const set = (v) => { slider.value = v; box.value = v; };
  const take = (text) => {
    const v = Math.min(max, Math.max(min, Number(text)));
    if (text.trim() === "" || Number.isNaN(v)) return set(slider.value);
    set(v);
    changed(v);
  };
  slider.addEventListener("input", () => { box.value = slider.value; });
  slider.addEventListener("change", () => take(slider.value));
  box.addEventListener("change", () => take(box.value));
  box.addEventListener("keydown", (event) => event.key === "Enter" && take(box.value));
  set(value);
  const element = keepKeys(make("div", { class: "mx-range" }, make("label", { for: id }, label), slider, box));
  return { element, set };
}

// A matrix that the reader can change, cell by cell.
export function grid({ label, values }, changed) {
  const rows = values.map((row, i) => make("tr", {}, ...row.map((value, j) => {
    const box = make("input", {
      type: "number", step: "1", value, "aria-label": `${label}, row ${i + 1}, column ${j + 1}`,
    });
    box.addEventListener("input", () => {
      const v = Number(box.value);
      if (box.value.trim() !== "" && Number.isFinite(v)) changed(i, j, v);
    });
    return make("td", {}, box);
  })));
  return make("table", { class: "mx-grid" }, make("caption", {}, label), make("tbody", {}, ...rows));
}

// A matrix to look at. `mark(i, j)` gives a class for a cell; the sign stands there anyway, colour only repeats it.
export function table({ label, values, mark = () => "" }) {
  const rows = values.map((row, i) => make("tr", {}, ...row.map((v, j) => {
    const kind = v > 0 ? "mx-plus" : v < 0 ? "mx-minus" : "mx-zero";
    return make("td", { class: `${kind} ${mark(i, j)}` }, written(v));
  })));
  return make("table", { class: "mx-table" }, make("caption", {}, label), make("tbody", {}, ...rows));
}

// A group of radio buttons: one of a few, arrow keys move through them.
export function choice({ label, options, value }, changed) {
  const name = fresh("choice");
  const buttons = options.map((option) => {
    const button = make("input", { type: "radio", name, value: option });
    button.checked = option === value;
    button.addEventListener("change", () => button.checked && changed(option));
    return make("label", {}, button, ` ${option} `);
  });
  return make("fieldset", { class: "mx-choice" }, make("legend", {}, label), ...buttons);
}

// The line that says the same in words.
export const words = () => make("p", { role: "status", "aria-live": "polite" });

export const figure = (label, ...children) => (
  keepKeys(make("div", { class: "mx-figure", role: "group", "aria-label": label }, ...children))
);
export const row = (...children) => make("div", { class: "mx-row" }, ...children);
