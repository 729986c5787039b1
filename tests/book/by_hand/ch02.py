from fractions import Fraction as F

NUMBERS = {
    "need.scores": [6, 0, 0, 0], "need.drops": [6, 6], "need.intercept": F(-3, 2), "need.weights": [3, 3],
    "need.all": F(9, 2), "need.r2": F(2, 3), "need.missed": 9, "need.spread": 27,
    "either.drops": [0, 0], "either.intercept": F(3, 2),
    "either.weights": [3, 3], "either.all": F(15, 2), "either.r2": F(2, 3), "newbox.drops": [7, 4],
    "newbox.weights": [6, 3], "newbox.intercept": F(-1, 2), "near.intercept": F(-8, 3), "near.weights": [6, 4],
    "row.score": 6, "row.first": F(1, 2), "row.second": 2, "row.grey": [F(1, 2), F(5, 4), 2],
    "row.black": [2, F(7, 2), 5], "row.middle": F(5, 4),
    "tree.leaves": [F(1, 6), F(1, 12), F(1, 4), F(1, 2)], "tree.last": F(1, 2),
}  # fmt: skip

EXERCISES = {
    "occlusion": {
        "": [[F(1, 2), 1, F(3, 2)], [F(1, 2), 1, F(3, 2)]],
        "windows summed": [[F(1, 2), 2, F(3, 2)], [F(1, 2), 2, F(3, 2)]],
        "divided by the window's area": [[F(1, 8), F(1, 2), F(3, 8)], [F(1, 8), F(1, 2), F(3, 8)]],
        "sign turned round": [[F(-1, 2), -1, F(-3, 2)], [F(-1, 2), -1, F(-3, 2)]],
        "filled black whatever was asked": [[F(7, 2), F(17, 4), 5], [F(7, 2), F(17, 4), 5]],
        "the last window counts": [[F(1, 2), F(3, 2), F(3, 2)], [F(1, 2), F(3, 2), F(3, 2)]],
        "only the window's first pixel": [[F(1, 2), F(3, 2), 0], [0, 0, 0]],
        "steps as long as the window": [[F(1, 2), F(1, 2), 0], [F(1, 2), F(1, 2), 0]],
        "kept the window and hid the rest": [[F(3, 2), 1, F(1, 2)], [F(3, 2), 1, F(1, 2)]],
        "the score that is left": [[7, F(13, 2), 6], [7, F(13, 2), 6]],
    },
    "lime_fit": {
        "": [F(-8, 3), 6, 4], "kernel ignored": [F(-3, 2), 5, 3], "no intercept": [0, F(22, 5), F(12, 5)],
        "kernel applied twice": [F(-96, 25), F(34, 5), F(24, 5)], "mask read as hidden": [F(22, 3), -6, -4],
        "intercept last": [6, 4, F(-8, 3)], "kernel on one side only": [F(-4, 9), F(5, 3), F(2, 3)],
    },
    "leaf_probabilities": {
        "": [F(1, 6), F(1, 12), F(1, 4), F(1, 2)],
        "p read as turning left": [F(1, 4), F(1, 2), F(1, 6), F(1, 12)],
        "root forgotten": [F(2, 3), F(1, 3), F(1, 3), F(2, 3)], "hard decision": [0, 0, 0, 1],
    },
}  # fmt: skip
