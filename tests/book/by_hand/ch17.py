from fractions import Fraction as F

NUMBERS = {
    "neuron.gamma": [F(8, 5), F(-2, 5)], "neuron.alone": [2, F(-1, 2)], "neuron.dropped": [F(8, 3), F(-2, 3)],
    "neuron.lrp0": [2, -1], "neuron.score": 2, "neuron.raised": [2, -1],
    "layer.signed": [F(26, 3), F(-10, 3)], "layer.printed": [F(44, 3), F(-16, 3)],
    "layer.ignored": [F(44, 5), F(-18, 5)], "layer.lrp0": [12, F(-14, 3)], "layer.apart": F(9, 22),
    "line.short": [F(9, 2), F(-3, 4)], "line.loss": F(5, 4), "sum.split": [6, -2], "sum.copied": [4, 4],
    "cube.midpoint": [F(207, 8), 1], "cube.left": [F(81, 4), 1], "cube.right": [F(129, 4), 1],
    "cube.trapezoid": [F(238, 9), 1], "noise.share": F(3, 5), "fem.n": [[1, 1], [3, 4]],
}  # fmt: skip

EXERCISES = {
    "trapezoid_weights": {
        "": [F(1, 6), F(1, 3), F(1, 3), F(1, 6)],
        "1/n each, ends halved": [F(1, 8), F(1, 4), F(1, 4), F(1, 8)],
        "every place 1/n": [F(1, 4), F(1, 4), F(1, 4), F(1, 4)],
        "left ends": [F(1, 3), F(1, 3), F(1, 3), 0],
        "right ends": [0, F(1, 3), F(1, 3), F(1, 3)],
        "ends at full weight": [F(1, 3), F(1, 3), F(1, 3), F(1, 3)],
        "half forgotten": [F(1, 3), F(2, 3), F(2, 3), F(1, 3)],
    },
    "which_convention": {
        "": [1, 0, 0, 0], "highest cosine": [1, 0, 0, 0], "nearest, however far": [1, 0, 0, 0],
        "within ten percent": [1, 0, 1, 0],
    },
}  # fmt: skip
