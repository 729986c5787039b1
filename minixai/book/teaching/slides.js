// Turns the slides: arrow keys, space, the two buttons; "o" opens what is closed. The address remembers the slide.
const slides = [...document.querySelectorAll(".slide")];
let now = 0;

function turn(to) {
  now = Math.min(Math.max(to, 0), slides.length - 1);
  slides.forEach((slide, n) => slide.classList.toggle("now", n === now));
  document.getElementById("where").textContent = `${now + 1} of ${slides.length}`;
  history.replaceState(null, "", `#${now + 1}`);
}

const keys = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
addEventListener("keydown", (event) => {
  if (event.target.closest("button, summary, input, select") && event.key === " ") return;
  if (event.key in keys) {
    turn(now + keys[event.key]);
    event.preventDefault();
  } else if (event.key === "Home" || event.key === "End") {
    turn(event.key === "Home" ? 0 : slides.length);
  } else if (event.key === "o") {
    slides[now].querySelectorAll("details").forEach((one) => { one.open = !one.open; });
  }
});
document.getElementById("back").onclick = () => turn(now - 1);
document.getElementById("on").onclick = () => turn(now + 1);
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = false; }));
turn(Number(location.hash.slice(1) || 1) - 1);
