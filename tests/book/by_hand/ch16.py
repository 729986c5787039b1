from fractions import Fraction as F

NUMBERS = {
    "norm.scale": 3, "norm.z": 4, "norm.y": 4, "norm.weights": [6, -3], "norm.bias": -5, "norm.var": 4,
    "norm.shares": [12, -3], "norm.passed": [4, -1], "norm.gamma_folded": [6, F(-3, 4)],
    "norm.gamma_passed": [F(32, 9), F(-4, 9)],
    "norm2.weights": [2, 4], "norm2.bias": 3, "norm2.z": 6, "norm2.y": 9, "norm2.shares": [2, 4],
    "tenths.open": [11, 11, -9], "residual.split": [10, -6],
}  # fmt: skip

EXERCISES = {
    "fold_batchnorm": {
        "": [[6, -3, -5], [F(1, 4), F(3, 4), F(-3, 4)]],
        "divided by the variance": [[3, F(-3, 2), -2], [F(1, 16), F(3, 16), F(-15, 16)]],
        "multiplied by the spread": [[24, -12, -23], [4, 12, 3]],
        "mean forgotten": [[6, -3, 4], [F(1, 4), F(3, 4), F(-1, 2)]],
        "beta scaled too": [[6, -3, -3], [F(1, 4), F(3, 4), 0]],
        "old bias unscaled": [[6, -3, -7], [F(1, 4), F(3, 4), F(3, 4)]],
        "mean added": [[6, -3, 13], [F(1, 4), F(3, 4), F(-1, 4)]],
        "old bias dropped": [[6, -3, -8], [F(1, 4), F(3, 4), F(-5, 4)]],
        "gamma forgotten": [[1, F(-1, 2), 0], [F(1, 4), F(3, 4), F(-3, 4)]],
        "weights left alone": [[2, -1, -5], [1, 3, F(-3, 4)]],
    },
    "split_residual": {
        "": [[6, F(1, 2)], [-2, F(3, 2)]], "copied to both": [[4, 2], [4, 2]], "halved": [[2, 1], [2, 1]],
        "by magnitude": [[3, F(1, 2)], [1, F(3, 2)]], "over the magnitudes": [[3, F(1, 2)], [-1, F(3, 2)]],
        "winner takes all": [[4, 0], [0, 2]], "negative part dropped": [[4, F(1, 2)], [0, F(3, 2)]],
        "what they brought, not R": [[3, 1], [-1, 3]], "exchanged": [[-2, F(3, 2)], [6, F(1, 2)]],
    },
    "first_difference": {
        "": 1, "searched from the picture": 0, "absolute tolerance": 1, "one scale for all layers": 1,
        "the largest instead of the first": 1, "compared only the sums": 0, "averaged over the places": 1,
        "sign forgotten": 1, "counted from the score": 2, "the last that agrees": 2,
    },
}  # fmt: skip
