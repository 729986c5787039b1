from fractions import Fraction as F

NUMBERS = {
    "kitchen.empty": [0, 0], "kitchen.milk": [0, 6], "kitchen.both": [4, 8], "kitchen.exit": [2, 4],
    "kitchen.both_before": 4, "kitchen.both_rise": 2, "kitchen.exit_rise": 4,
    "kitchen.empty_rescale": [0, 6], "kitchen.empty_reveal": [3, 3],
    "kitchen.milk_rescale": [6, 0], "kitchen.milk_reveal": [6, 0],
    "kitchen.both_multiplier": F(1, 2), "kitchen.both_rescale": [3, -1], "kitchen.both_reveal": [3, -1],
    "kitchen.exit_multiplier": F(2, 3), "kitchen.exit_rescale": [F(8, 3), F(4, 3)], "kitchen.exit_reveal": [3, 1],
    "kitchen.exit_slopes": [0, 2], "kitchen.mean": [F(3, 2), F(5, 2)],
    "kitchen.good": 10, "kitchen.bad": -6, "kitchen.good_out": 7, "kitchen.bad_out": -3,
    "kitchen.deeper_reveal": [F(9, 2), F(3, 2)], "kitchen.deeper_rescale": [0, 6],
    "kitchen.deeper_signs": [F(99, 26), F(57, 26)],
}  # fmt: skip

EXERCISES = {
    "rescale_multiplier": {
        "": [F(3, 4), 1, 0, 1], "slope at the picture": [1, 1, 0, 1], "slope at the reference": [0, 1, 0, 1],
        "mean of the two slopes": [F(1, 2), 1, 0, 1], "0/0 is 0": [F(3, 4), 0, 0, 1], "0/0 is 1": [F(3, 4), 1, 1, 1],
        "divided by y": [1, 1, 0, F(3, 4)], "turned round": [F(4, 3), 1, 0, 1], "not divided": [3, 0, 0, 3],
        "difference rectified": [1, 0, 0, 1],
    },
    "reveal_cancel": {
        "": [[7, 1], [-3, -2]], "first terms only": [[10, 2], [0, -1]], "second terms only": [[4, 0], [-6, -3]],
        "no halves": [[14, 2], [-6, -4]], "good news always first": [[10, 2], [-6, -3]],
        "bad news always first": [[4, 0], [0, -1]], "rescale in disguise": [[10, 1], [-6, -2]],
        "reference forgotten": [[7, 1], [-3, -1]], "exchanged": [[-3, -2], [7, 1]],
        "parts rectified": [[10, 2], [0, 0]],
        "multipliers": [[F(7, 10), F(1, 2)], [F(1, 2), F(1, 2)]],
    },
}  # fmt: skip
