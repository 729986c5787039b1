// Brings a page of the web book to life.

// Every still picture of a figure that computes in the page is replaced by the figure itself.

function model(state) {
  const told = [];
  const values = { state };
  return {
    get: (name) => values[name],
    set: (name, value) => { values[name] = value; told.forEach((tell) => tell()); },
    on: (event, tell) => { if (event === "change:state") told.push(tell); },
    save_changes: () => {},
  };
}

for (const still of document.querySelectorAll("figure[data-board]")) {
  const board = BOARDS[still.dataset.board];
  if (!board) continue;
  const el = document.createElement("div");
  board().render({ model: model(JSON.parse(still.dataset.state)), el });
  still.replaceWith(el);
}

// What scrolls must be within reach of the keys.
const reach = () => {
  for (const element of document.querySelectorAll("pre, .cell_output table")) {
    if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
  }
};
reach();
addEventListener("resize", reach);
