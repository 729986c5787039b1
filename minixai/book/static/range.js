// One slider with its number box, for figures that ask the engine.

function render({ model, el }) {
  const about = Object.fromEntries(["label", "min", "max", "step", "value"].map((name) => [name, model.get(name)]));
  const control = range(about, (v) => { model.set("value", v); model.save_changes(); });
  model.on("change:value", () => control.set(model.get("value")));
  el.append(control.element);
}

export default { render };
