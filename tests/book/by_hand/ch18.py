from fractions import Fraction as F

NUMBERS = {
    "sixteen.stay": 8, "sixteen.stay_tie": 3, "sixteen.same": 4, "sixteen.tie": [10, 10],
    "sixteen.bias_product": [0, 6], "sixteen.bias_path": [F(5, 2), F(9, 2)],
    "coin.seven": F(11, 64), "coin.eight": F(7, 128), "coin.nine": F(11, 1024),
}  # fmt: skip

# gradient, times picture, LRP-0, eps 1, gamma 1/4, gamma 1, alpha 1, Deep Taylor, alpha 2, occlusion, LIME, IG,
# Rescale, RevealCancel, DeconvNet, guided; reported is (0, 6)
EXERCISES = {
    "consistent_methods": {
        "": [0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0],
        "stops at the first": [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        "same ranking suffices": [1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0],
        "same sum suffices": [0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0],
        "proportional suffices": [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0],
        "one pixel is enough": [1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0],
    },
    "verdict": {
        "": [1, 0, -1, 0],
        "the middle decides": [1, 1, -1, 1],
        "not confirmed is refuted": [1, -1, -1, -1],
        "not refuted is confirmed": [1, 1, -1, 1],
        "clear is confirmed": [1, 0, 1, 0],
        "one verdict for all": [-1, -1, -1, -1],
        "compared with 0": [1, 0, -1, 1],
        "sides exchanged": [-1, 0, 1, 0],
        "touching counts": [1, 0, -1, 1],
    },
}  # fmt: skip
