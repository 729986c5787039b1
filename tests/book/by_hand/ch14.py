from fractions import Fraction as F

NUMBERS = {
    "push.three": 1, "push.hundred": 2, "push.spread": F(1, 5), "push.ticket": [F(3, 4), F(-1, 4)],
    "push.signs": [1, -1, 1],
    "painted.two": [0, 3, 0], "painted.one": [2, 4, 1], "painted.share2": 1, "painted.share1": F(4, 7),
    "painted.scores": [F(7, 2), 1, -2],
    "border.step": [F(6, 13), F(9, 13)], "border.after": [F(71, 13), F(54, 13), F(71, 13)],
}  # fmt: skip

EXERCISES = {
    "fgsm": {
        "": [1, F(1, 2), 0], "gradient, not sign": [1, F(1, 2), F(3, 40)], "downhill": [F(13, 20), F(1, 2), F(9, 20)],
        "steepest pixel sets the scale": [1, F(1, 2), F(11, 80)], "only the steepest pixel": [1, F(1, 2), F(1, 5)],
        "clamped": [1, F(1, 2), 0], "box forgotten": [F(23, 20), F(1, 2), F(-1, 20)],
        "change clipped": [F(23, 20), F(1, 2), F(1, 5)], "change only": [F(1, 4), 0, F(-1, 4)],
        "sign of 0 is 1": [1, F(3, 4), 0], "magnitude of the slopes": [1, F(1, 2), F(13, 40)],
        "share of the pixel": [1, F(1, 2), F(3, 20)], "slopes, and no box": [F(7, 5), F(1, 2), F(3, 40)],
        "downhill, and no box": [F(13, 20), F(1, 2), F(9, 20)], "eps forgotten": [1, F(1, 2), 0],
    },
    "two_generators": {
        "": [0, 3, 0], "one generator": [2, 4, 1], "the other generator": [2, 1, 1], "painted twice": [2, F(7, 2), 0],
        "difference of two maps": [0, 3, 0], "sum of two maps": [4, 5, 2], "sign kept": [0, 3, 0],
        "squared": [0, 9, 0], "scaled": [0, 1, 0], "magnitudes first": [0, 3, 0],
        "how much further": [0, 3, 0], "times x": [0, 27, 0],
    },
    "deepfool_step": {
        "": [F(6, 13), F(9, 13)], "closest score": [0, 2], "steepest difference": [F(6, 13), F(9, 13)],
        "own gradient kept": [F(1, 2), F(1, 2)], "along signs": [F(3, 5), F(3, 5)], "not divided": [6, 9],
        "turned round": [F(-6, 13), F(-9, 13)], "all borders at once": [F(6, 13), F(35, 13)],
    },
}  # fmt: skip
