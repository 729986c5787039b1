from fractions import Fraction as F

NUMBERS = {
    "judge.score": 2, "judge.p_auc": 1, "judge.q_auc": 0, "judge.p_cost": 1, "judge.q_cost": 3, "judge.q_left": -1,
    "judge.auc": F(11, 12), "judge.iou": F(2, 5), "judge.a_auc": F(2, 3), "judge.b_auc": F(7, 12),
    "judge.a_iou": F(2, 3), "judge.b_iou": F(1, 2), "judge.sim": F(1, 2), "judge.sim_stretched": F(1, 4),
    "judge.scaled": F(114, 119), "judge.drop": 3, "judge.one_by_one": 6,
}  # fmt: skip

EXERCISES = {
    "auc": {
        "": F(11, 12), "a tie counted as a win": 1, "a tie counted as a loss": F(5, 6),
        "object and background exchanged": F(1, 12), "share of the map on the object": F(4, 5),
        "right answers at the best threshold": F(4, 5), "compared with the background's mean": 1,
        "magnitudes compared": F(11, 12), "difference of the means": F(5, 3), "only the largest number asked": 1,
        "one comparison of means": 1,
    },
    "iou_at": {
        "": F(2, 5), "Dice": F(4, 7), "over the object only": F(2, 3), "over the map only": F(1, 2),
        "shared pixels counted twice": F(2, 7), "threshold at 1/2": F(3, 5),
        "half-way between least and most": F(1, 4), "threshold at the mean": F(1, 4), "magnitudes marked": F(2, 5),
        "strictly more than half": F(1, 4),
    },
    "deletion_drop": {
        "": 3, "the least relevant hidden": F(-3, 2), "ranked by magnitude": F(1, 2), "the score that is left": F(5, 2),
        "one pixel at a time, drops added": 6, "kept those, hid the rest": F(3, 2), "sign turned round": -3,
        "a share of the score": F(6, 11), "only the k-th hidden": 3, "filled black whatever was asked": 3,
        "ranked by brightness": 3,
    },
    "sim_sums": {
        "": F(1, 2), "not brought to a sum of 1": 2, "each over its maximum": F(5, 6), "the distance": 1,
        "1 minus the distance": 0, "products": F(5, 16), "the larger numbers": F(3, 2), "stretched first": F(1, 4),
    },
}  # fmt: skip
