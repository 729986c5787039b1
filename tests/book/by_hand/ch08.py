from fractions import Fraction as F

NUMBERS = {
    "three.score": 2, "three.clean": [1, 1], "three.maps": [1, 1], "three.mean": [1, F(-1, 3)],
    "three.signed": [1, F(1, 3)], "three.slopes_a": [0, -1], "three.slopes_b": [1, 1], "three.slopes_c": [2, -1],
    "three.copy_a": [-2, -1], "three.copy_b": [2, 1], "three.copy_c": [4, -2],
}  # fmt: skip

EXERCISES = {
    "smoothgrad": {
        "": [1, 1], "slopes averaged first": [1, F(1, 3)], "no magnitude": [1, F(-1, 3)],
        "map of the average picture": [F(2, 3), 1], "map of the noise": [F(1, 3), F(2, 3)], "noise on noise": [0, 1],
        "summed": [3, 3], "squared maps": [F(5, 3), 1], "largest, not mean": [2, 1], "the clean map as well": [1, 1],
    },
    "noise_level": {
        "": F(3, 5), "fraction as it is": F(3, 20), "times the maximum": F(9, 20),
        "times the largest magnitude": F(9, 20), "half the range": F(3, 10), "variance": F(9, 25),
    },
}  # fmt: skip
