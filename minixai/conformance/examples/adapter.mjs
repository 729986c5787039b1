// An example: how to plug a program in. JavaScript (Node), no packages: the gradient of dense ReLU networks.
// minixai conform run --exec "node adapter.mjs" --only "methods/gradient/dense-*"
import { createInterface } from "node:readline";

const number = (text) => { const [top, bottom = "1"] = text.split("/"); return Number(top) / Number(bottom); };
const size = (shape) => shape.reduce((product, n) => product * n, 1);
const vector = (tensor) => {
  if (tensor.values.length !== size(tensor.shape)) throw new Error("the numbers do not fill the shape");
  return tensor.values.map(number);
};

class Missing extends Error {}                       // what this program has not, rather than what makes no sense

function check(question, network) {                  // refuse what makes no sense, rather than answer it
  const [pictures, ...shape] = question.input.shape, outs = network.nodes.at(-1).weight.shape[0];
  if (!pictures || String(shape) !== String(network.input_shape)) throw new Error("pictures of another shape");
  if (question.target.length !== pictures || question.target.some((c) => !(c >= 0 && c < outs)))
    throw new Error("target is not one class for each picture");
  if (Object.keys(question.params).length) throw new Error("the gradient has no parameters");
  if (pictures > 1) throw new Missing("one picture at a time, please");
}

function forward(network, x) {                       // what every node computes: {name: numbers}
  const y = { input: x };
  for (const node of network.nodes) {
    const a = y[node.inputs[0]];
    if (node.op === "ReLU") y[node.name] = a.map((v) => Math.max(v, 0));
    else if (node.op === "Linear") {
      const w = vector(node.weight), bias = node.bias ? vector(node.bias) : Array(node.weight.shape[0]).fill(0);
      y[node.name] = bias.map((b, j) => a.reduce((sum, v, i) => sum + v * w[j * a.length + i], b));
    } else throw new Missing(`there is no ${node.op} here`);
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
    check(question, network);
    const signals = backward(network, vector(question.input), question.target[0]);
    const sent = Object.fromEntries(Object.entries(signals).map(([k, v]) => [k, { shape: [1, v.length], values: v }]));
    return { status: "result", relevance: sent.input, signals: sent };
  } catch (error) {
    return { status: error instanceof Missing ? "skipped" : "errored", why: error.message };
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
