from fractions import Fraction as F

NUMBERS = {
    "rare.means": [1, 1, 2], "rare.variances": [0, 3, 4], "rare.answer": [[1, 1], [3, 4]],
    "rare.pocket": [[0, 1], [1, 3]],
}  # fmt: skip

EXERCISES = {
    "fem": {
        "": [[1, 1], [3, 4]], "more than, not at least": [[0, 0], [0, 1]], "spread of a sample": [[1, 1], [1, 2]],
        "variance for spread": [[1, 1], [1, 2]], "rarely low counts, too": [[3, 3], [3, 4]],
        "weighed by what is marked": [[1, 1], [F(3, 2), F(7, 4)]], "weights left out": [[1, 1], [2, 3]],
        "activations kept": [[1, 1], [5, 9]], "one threshold for all": [[0, 0], [2, 3]],
        "divided by its largest": [[F(1, 4), F(1, 4)], [F(3, 4), 1]],
    },
    "fem3d": {
        "": [[[0, 0], [0, 0]], [[0, 0], [0, 1]]], "judged frame by frame": [[[0, 0], [0, 1]], [[0, 0], [0, 1]]],
        "every frame alone": [[[0, 0], [0, F(1, 2)]], [[0, 0], [0, F(3, 2)]]],
        "frames averaged first": [[[0, 0], [0, 1]], [[0, 0], [0, 1]]], "added up over time": [[0, 0], [0, 1]],
    },
}  # fmt: skip
