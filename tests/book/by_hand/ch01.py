from fractions import Fraction as F

NUMBERS = {
    "snow.table": [[2, -1], [1, -2]], "snow.ground": 3, "snow.animal": 1, "snow.learnt": F(9, 10),
    "snow.swapped": F(1, 10), "snow.balanced": F(1, 2), "snow.share": F(2, 3),
}  # fmt: skip

EXERCISES = {
    "cue_effect": {
        "": [3, 2], "compared the corners": [5, 5], "one animal, one ground": [4, 3],
        "rows and columns exchanged": [2, 3], "added up instead of averaged": [6, 4],
        "levels instead of differences": [F(7, 2), 3], "sign turned round": [-3, -2],
    },
    "background_share": {
        "": F(2, 3), "signs cancel": F(1, 2), "share on the object": F(1, 3), "pixels counted": F(3, 4),
        "averages compared": F(2, 5), "what speaks for it only": F(3, 5), "divided by the object": 2,
    },
}  # fmt: skip
