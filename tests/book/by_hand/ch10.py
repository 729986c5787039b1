from fractions import Fraction as F

NUMBERS = {
    "neuron.eps1": [F(4, 3), F(-2, 3)], "neuron.ignored": [4, -2], "neuron.zplus": [F(4, 3), 0],
    "neuron.zplus_ignored": [2, 0], "neuron.alpha2beta1": [F(8, 3), -2], "neuron.products": [2, -1],
    "neuron.kept": 1, "neuron.kept_eps1": F(4, 3), "neuron.zplus_sum": F(4, 3), "neuron.alpha2beta1_sum": F(2, 3),
    "exit.lrp0": [6, -4], "exit.ignored": [12, -8],
}  # fmt: skip

EXERCISES = {
    "lrp_zero": {
        "": [9, -2], "bias left out below": [15, -5], "activation forgotten above": [F(9, 2), -2],
        "each input shared out": [F(9, 2), 2], "bias share handed to the inputs": [F(21, 2), F(-1, 2)],
        "magnitudes": [6, F(5, 2)], "negative shares dropped": [9, 1], "z handed on, not R": [8, 1],
        "averaged over the neurons": [F(9, 2), -1],
    },
    "lrp_epsilon": {
        "": [10, -3], "eps as printed": [16, -4], "sign turned round": [24, -8], "magnitude of z": [-2, -1],
        "eps for every input": [F(39, 5), F(-23, 10)], "in the numerator too": [11, -2], "no bias": [10, F(-11, 3)],
        "eps as a floor": [14, F(-13, 3)], "eps forgotten": [14, F(-13, 3)],
    },
    "lrp_gamma": {
        "": [F(8, 5), F(-2, 5)], "bias left alone": [2, F(-1, 2)], "bias dropped": [F(8, 3), F(-2, 3)],
        "gamma above only": [4, -1], "positive only": [F(4, 3), 0], "gamma on every weight": [F(8, 3), F(-4, 3)],
        "negative weights dropped": [F(4, 3), 0], "negative weights raised": [4, -4],
        "gamma added to the weights": [F(8, 5), F(-2, 5)],
    },
    "lrp_alphabeta": {
        "": [4, 4, -5], "split by the weight's sign": [F(20, 3), 10, -15], "bias ignored": [5, 5, -5],
        "whole bias on both sides": [4, 4, F(-15, 2)], "positive bias on both sides": [4, 4, F(-15, 2)],
        "beta term added": [4, 4, 5], "beta forgotten": [4, 4, 0],
        "alpha and beta exchanged": [2, 2, -10], "one denominator for both": [10, 10, F(15, 2)],
    },
}  # fmt: skip
