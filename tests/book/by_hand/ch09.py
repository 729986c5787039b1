from fractions import Fraction as F

NUMBERS = {
    "blank.score": 4, "blank.alpha": 0, "blank.map": [[0, 0], [0, 0]], "blank.cells": [[3, -1], [3, -1]],
    "pocketcam.maps": [[[4, 0], [2, 6]], [[0, 2], [2, 0]]],
    "pocketcam.map1": [[4, 0], [2, 6]], "pocketcam.map2": [[0, 2], [2, 0]], "pocketcam.alpha_a": [F(1, 4), F(-1, 4)],
    "pocketcam.cam_a": [[4, -2], [0, 6]], "pocketcam.cam_b": [[0, 2], [2, 0]],
    "pocketcam.grad_cam_a": [[1, 0], [0, F(3, 2)]], "pocketcam.grad_cam_b": [[0, F(1, 2)], [F(1, 2), 0]],
    "pocketcam.difference": [[4, -4], [-2, 6]],
}  # fmt: skip

EXERCISES = {
    "cam": {
        "": [[4, -2], [0, 6]], "column for row": [[4, 4], [6, 6]], "positive weights only": [[4, 0], [2, 6]],
        "all classes": [[12, 4], [10, 18]], "divided by Z": [[1, F(-1, 2)], [0, F(3, 2)]],
        "times the map's mean": [[12, -2], [4, 18]], "rectified": [[4, 0], [0, 6]],
        "averaged over the maps": [[2, -1], [0, 3]],
    },
    "grad_cam": {
        "": [[2, 0], [1, 3]], "ReLU on the weights": [[2, 0], [2, 4]], "no ReLU": [[2, -3], [1, 3]],
        "magnitudes of slopes": [[2, 3], [3, 5]], "slopes not averaged": [[2, 0], [3, 3]],
        "sum for mean": [[8, 0], [4, 12]], "averaged over the maps": [[1, 0], [F(1, 2), F(3, 2)]],
        "one mean for all maps": [[F(1, 2), F(3, 2)], [1, F(3, 2)]], "magnitude for ReLU": [[2, 3], [1, 3]],
        "scaled to 1": [[F(2, 3), 0], [F(1, 3), 1]],
        "positive slopes only": [[2, 0], [2, 4]], "maps averaged, too": [[F(3, 4), 0], [F(11, 4), F(3, 4)]],
    },
    "guided_grad_cam": {
        "": [[2, -2, 0], [12, 0, -3]], "added": [[3, -1, F(1, 2)], [7, F(1, 2), 2]],
        "guided rectified first": [[2, 0, 0], [12, 0, 0]], "minimum": [[1, -2, 0], [3, 0, -1]],
        "product of heat maps": [[F(1, 6), 0, 0], [1, 0, 0]],
    },
}  # fmt: skip
