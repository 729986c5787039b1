from fractions import Fraction as F

NUMBERS = {
    "fork.score": 11, "fork.slope": [5, 4], "fork.second": [-1, 1], "paint.one": [[1, 2, 0], [3, 4, 0], [0, 0, 0]],
    "paint.sum": [[5, 10, 0], [15, 26, 12], [0, 18, 24]], "paint.centre": 26, "paint.forwards": 111,
    "paint.backwards": 111,
}  # fmt: skip

EXERCISES = {
    "conv_backward": {
        "": [[5, 10, 0], [15, 26, 12], [0, 18, 24]],
        "filter not flipped": [[20, 15, 0], [10, 29, 18], [0, 12, 6]],
        "flipped top-bottom only": [[10, 5, 0], [20, 27, 6], [0, 24, 18]],
        "flipped left-right only": [[15, 20, 0], [5, 28, 24], [0, 6, 12]],
        "transposed": [[20, 10, 0], [15, 29, 12], [0, 18, 6]],
        "no padding": [[26]],
    },
    "filter_gradient": {
        "": [[8, 11], [2, 10]], "signal flipped": [[4, 11], [4, 4]], "input flipped": [[4, 4], [11, 4]],
        "transposed": [[8, 2], [11, 10]], "averaged over the positions": [[2, F(11, 4)], [F(1, 2), F(5, 2)]],
    },
}  # fmt: skip
