from fractions import Fraction as F

NUMBERS = {
    "linear.score": 5, "linear.slope": [3, -1], "linear.contribution": [6, -1], "linear14.contribution": [3, -4],
}  # fmt: skip

EXERCISES = {
    "positive_part": {
        "": [0, 0, 3, F(1, 2)], "absolute value": [2, 0, 3, F(1, 2)], "0/1 mask": [0, 0, 1, 1],
        "clipped to [0, 1]": [0, 0, 1, F(1, 2)], "negative part": [-2, 0, 0, 0],
    },
    "contribution": {
        "": [6, -1], "the slope": [3, -1], "magnitude only": [6, 1], "share of the total": [F(6, 5), F(-1, 5)],
        "the score itself": 5,
    },
}  # fmt: skip
