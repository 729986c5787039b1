// Chapter 01: ten rounds, two guesses in each. Which of two networks gave this answer, the cheat or the honest one?

const WHO = { true: "the cheat", false: "the honest one" };
const OPTIONS = [WHO.true, WHO.false];

// What the guesses, [without the map, with it] per round, were worth; true is "the cheat".
export function tally(rounds, guesses) {
  const done = guesses.filter((pair) => pair.length === 2).map((pair, i) => [...pair, rounds[i].cheats]);
  const count = (test) => done.filter(test).length;
  return {
    rounds: done.length,
    without: count(([first, , truth]) => first === truth),
    with: count(([, second, truth]) => second === truth),
    better: count(([first, second, truth]) => first !== second && second === truth),
    worse: count(([first, second, truth]) => first !== second && first === truth),
  };
}

// How likely a coin gets at least k of n.
export function luck(n, k) {
  let [ways, total] = [1, 0];
  for (let j = 0; j <= n; j += 1) {
    if (j >= k) total += ways;
    ways = (ways * (n - j)) / (j + 1);
  }
  return total / 2 ** n;
}

const times = (n) => (n === 1 ? "once" : n === 2 ? "twice" : `${n} times`);

export function sentence(rounds, guesses) {
  const found = tally(rounds, guesses);
  const n = rounds.length;
  if (found.rounds === n) {
    const often = Math.round(100 * luck(n, found.with));
    return `Without the map you were right in ${found.without} of ${n} rounds, with it in ${found.with}. `
      + `It changed your mind ${times(found.better + found.worse)}, ${times(found.better)} for the better. `
      + `A coin gets ${found.with} or more in ${often} of 100 games.`;
  }
  const at = found.rounds;
  const { animal, ground, words } = rounds[at];
  const start = `Round ${at + 1} of ${n}: a ${animal} on ${ground}, and the network says ${animal}.`;
  return guesses.length === at + 1
    ? `${start} Its map for ${animal}: ${words}. Guess again: the cheat, or the honest one?`
    : `${start} Whose answer is it: the cheat's, or the honest one's?`;
}

const picture = (src, alt) => make("img", { src, alt, width: 192, height: 192, style: "image-rendering: pixelated" });

function results(rounds, guesses) {
  const cell = (text) => make("td", {}, text);
  const mark = (guess, truth) => `${WHO[guess]} ${guess === truth ? "✓ right" : "✗ wrong"}`;
  const head = ["round", "without the map", "with the map", "it was"].map((name) => make("th", { scope: "col" }, name));
  const body = rounds.map(({ animal, cheats }, i) => make(
    "tr", {}, make("th", { scope: "row" }, `${i + 1}, ${animal}`),
    cell(mark(guesses[i][0], cheats)), cell(mark(guesses[i][1], cheats)), cell(WHO[cheats]),
  ));
  const parts = [make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body)];
  return make("table", { class: "mx-table" }, make("caption", {}, "your game"), ...parts);
}

function button(text, pressed) {
  const element = make("button", { type: "button" }, text);
  element.addEventListener("click", pressed);
  return element;
}

function render({ model, el }) {
  const { rounds, method } = model.get("state");
  const stage = make("div");
  const said = words();
  let shown = -1; // the round on the stage
  let refresh = () => {};
  const guesses = () => model.get("state").guesses;
  const put = (changed) => {
    model.set("state", { ...model.get("state"), guesses: changed });
    model.save_changes();
  };
  const ask = (label, k) => choice(
    { label, options: OPTIONS, value: WHO[(guesses()[shown] || [])[k]] },
    (option) => {
      const pair = [...(guesses()[shown] || [])];
      pair[k] = option === WHO.true;
      put([...guesses().slice(0, shown), pair]);
      if (k === 0) stage.querySelector("input:enabled").focus(); // the first guess is fixed once the map is seen
    },
  );
  const stageRound = () => {
    const { picture: seen, map, animal, ground, words: told } = rounds[shown];
    const first = make("div", {}, picture(seen, `a ${animal} on ${ground}`), ask("without the map", 0));
    const second = make("div", {}, picture(map, `${method}: ${told}`), ask("with the map", 1));
    const next = button(shown + 1 < rounds.length ? "next round" : "how did I do?", () => go(shown + 1));
    const board = row(first);
    stage.replaceChildren(board);
    refresh = () => {
      const made = (guesses()[shown] || []).length;
      if (made > 0 && !second.parentNode) board.append(second);
      if (made > 1 && !next.parentNode) stage.append(next);
      first.querySelectorAll("input").forEach((input) => { input.disabled = made > 0; });
    };
  };
  const stageEnd = () => {
    stage.replaceChildren(results(rounds, guesses()), button("play again", () => { put([]); go(0); }));
    refresh = () => {};
  };
  const paint = () => {
    refresh();
    const waiting = shown < rounds.length && (guesses()[shown] || []).length === 2;
    said.textContent = waiting
      ? `Round ${shown + 1} of ${rounds.length}: noted. The truth comes after the last round.`
      : sentence(rounds, guesses());
  };
  const go = (to, focus = true) => {
    shown = to;
    if (shown < rounds.length) stageRound(); else stageEnd();
    paint();
    if (focus) stage.querySelector("input:enabled, button").focus();
  };
  model.on("change:state", paint);
  el.append(figure("Which network is the cheat?", stage, said));
  go(guesses().filter((pair) => pair.length === 2).length, false);
}

export default { render };
