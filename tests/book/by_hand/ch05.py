from fractions import Fraction as F

NUMBERS = {
    "room.score": 3, "room.signed": [[F(-1, 2), F(1, 4)], [0, 1]], "room.minmax": [[0, F(1, 2)], [F(1, 3), 1]],
    "room.wall": F(1, 3), "room.heat": [[0, F(1, 4)], [0, 1]], "room.raised": [[1, 4], [3, 7]],
    "channels.largest": [[2, 3], [1, 2]], "channels.sum": [[-1, -2], [1, 4]],
    "channels.slope": [[F(2, 3), 1], [F(1, 3), F(2, 3)]], "channels.contribution": [[0, 0], [F(1, 4), 1]],
}  # fmt: skip

EXERCISES = {
    "signed_to_unit": {
        "": [[F(-1, 2), F(1, 4)], [0, 1]], "min-max": [[0, F(1, 2)], [F(1, 3), 1]],
        "sign thrown away": [[F(1, 2), F(1, 4)], [0, 1]], "negatives clipped": [[0, F(1, 4)], [0, 1]],
        "divided by the sum": [[F(-2, 3), F(1, 3)], [0, F(4, 3)]],
        "divided by the sum of magnitudes": [[F(-2, 7), F(1, 7)], [0, F(4, 7)]],
        "divided by the maximum": [[F(-1, 2), F(1, 4)], [0, 1]],
        "each side by its own largest": [[-1, F(1, 4)], [0, 1]],
    },
    "heatmap": {
        "": [[F(2, 3), 1], [F(1, 3), F(2, 3)]],
        "slopes: magnitudes added up": [[F(3, 4), 1], [F(1, 4), 1]],
        "slopes: magnitude of the sum": [[F(1, 4), F(1, 2)], [F(1, 4), 1]],
        "slopes: no magnitude": [[F(1, 2), F(1, 2)], [F(1, 2), 1]],
        "slopes added like contributions": [[0, 0], [F(1, 4), 1]],
        "contributions: the largest channel": [[F(2, 3), 1], [F(1, 3), F(2, 3)]],
        "min-max": [[F(1, 2), 1], [0, F(1, 2)]], "not divided": [[2, 3], [1, 2]],
    },
}  # fmt: skip
