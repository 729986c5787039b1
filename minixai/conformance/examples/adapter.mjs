// An example: how to plug a program in. JavaScript (Node), no packages: the gradient of dense ReLU networks.
// minixai conform run --exec "node adapter.mjs" --only "methods/gradient/dense-*"
import { createInterface } from "node:readline";

const number = (text) => { const [top, bottom = "1"] = text.split("/"); return Number(top) / Number(bottom); };
const vector = (tensor) => tensor.values.map(number);

function forward(network, x) {                       // what every node computes: {name: numbers}
  const y = { input: x };
  for (const node of network.nodes) {
    const a = y[node.inputs[0]];
    if (node.op === "ReLU") y[node.name] = a.map((v) => Math.max(v, 0));
    else if (node.op === "Linear") {
      const w = vector(node.weight), bias = node.bias ? vector(node.bias) : Array(node.weight.shape[0]).fill(0);
      y[node.name] = bias.map((b, j) => a.reduce((sum, v, i) => sum + v * w[j * a.length + i], b));
    } else throw new Error(`there is no ${node.op} here`);
  }
  return y;
}

function backward(network, x, target) {              // the signal at every node, from the scores back
  const y = forward(network, x), last = network.nodes.at(-1).name;
  const signals = { [last]: y[last].map((_, k) => (k === target ? 1 : 0)) };
  for (const node of [...network.nodes].reverse()) {
    const R = signals[node.name], from = node.inputs[0], a = y[from];
    if (node.op === "ReLU") signals[from] = R.map((r, i) => (a[i] > 0 ? r : 0));
    else {
      const w = vector(node.weight);
      signals[from] = a.map((_, i) => R.reduce((sum, r, j) => sum + r * w[j * a.length + i], 0));
    }
  }
  return signals;
}

function answer(question, network) {
  try {
    const signals = backward(network, vector(question.input), question.target[0]);
    const sent = Object.fromEntries(Object.entries(signals).map(([k, v]) => [k, { shape: [1, v.length], values: v }]));
    return { status: "result", relevance: sent.input, signals: sent };
  } catch (error) {
    return { status: "skipped", why: error.message };
  }
}

const networks = {}, say = (message) => console.log(JSON.stringify(message));
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.do === "start") say({ name: "an example in JavaScript", can: ["gradient"] });
  else if (message.do === "load") networks[message.network] = message.value;
  else if (message.do === "run") say({ id: message.id, ...answer(message, networks[message.network]) });
  else break;
}
