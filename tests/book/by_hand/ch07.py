from fractions import Fraction as F

NUMBERS = {
    "lamps.score": 1, "lamps.gradient": [0, 0], "lamps.black": [F(2, 3), F(1, 3)], "lamps.half": [F(2, 5), F(1, 10)],
    "lamps.lit": [0, 0], "lamps.four": [F(1, 2), F(1, 4)],
    "lamps.gap2": F(1, 2), "lamps.gap3": 0, "lamps.gap4": F(-1, 4), "lamps.gap5": F(1, 5), "lamps.gap10": F(-1, 10),
    "lamps.gap50": F(1, 50),
    "lamps.first": [1, 0], "lamps.second": [0, 1], "lamps.either": [F(1, 2), F(1, 2)],
}  # fmt: skip

EXERCISES = {
    "integrated_gradients": {
        "": [15, 1], "no x - baseline": [5, 1], "times x": [20, 1], "slope at the picture only": [24, 1],
        "baseline ignored": [16, 1], "way starts at zero": [12, 1], "left ends": [F(21, 2), 1],
        "right ends": [F(39, 2), 1], "slope at the middle only": [15, 1], "slope times alpha": [F(69, 8), F(1, 2)],
        "slope times picture": [32, 1], "both ends in full": [15, 1], "n + 1 places": [15, 1], "trapezoid": [15, 1],
        "way turned round": [-15, -1], "summed, not averaged": [30, 2],
    },
    "completeness_gap": {
        "": F(1, 2), "S0 forgotten": F(-3, 2), "magnitudes": F(5, 2), "turned round": F(-1, 2), "relative": F(1, 12),
        "mean, not sum": F(-23, 6), "S0 added": F(-7, 2),
    },
}  # fmt: skip
