"""The survey's taxonomy (Section 2): every method, where it stands in the survey, and who proposed it."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any


@dataclass(frozen=True)
class Method:
    """One method of the survey.

    ``family`` is the survey's: black-box (Section 2.1), linearisation (Section 4), structure (Section 5) or adversarial
    (Section 6). ``params`` are its parameters with their defaults, ``needs`` what a network or reader must bring,
    ``signed`` whether negative relevance means evidence against the class, ``cite`` the key for :func:`minixai.cite`.
    """

    name: str
    title: str
    family: str
    section: str
    equations: tuple[int, ...]
    params: dict[str, Any]
    needs: tuple[str, ...]
    signed: bool
    cite: str


SURVEY = (
    "Ayyar, M. P., Benois-Pineau, J., & Zemmari, A. (2021). White box methods for explanations of convolutional neural "
    "networks in image classification tasks. Journal of Electronic Imaging, 30(5), 050901."
)

PAPERS = {
    "simonyan2014": "Simonyan, K., Vedaldi, A., & Zisserman, A. (2014). Deep inside convolutional networks: "
    "Visualising image classification models and saliency maps. ICLR Workshop.",
    "zeiler2014": "Zeiler, M. D., & Fergus, R. (2014). Visualizing and understanding convolutional networks. ECCV.",
    "springenberg2015": "Springenberg, J. T., Dosovitskiy, A., Brox, T., & Riedmiller, M. (2015). Striving for "
    "simplicity: The all convolutional net. ICLR Workshop.",
    "sundararajan2017": "Sundararajan, M., Taly, A., & Yan, Q. (2017). Axiomatic attribution for deep networks. ICML.",
    "smilkov2017": "Smilkov, D., Thorat, N., Kim, B., Viegas, F., & Wattenberg, M. (2017). SmoothGrad: Removing noise "
    "by adding noise. arXiv:1706.03825.",
    "zhou2016": "Zhou, B., Khosla, A., Lapedriza, A., Oliva, A., & Torralba, A. (2016). Learning deep features for "
    "discriminative localization. CVPR.",
    "selvaraju2017": "Selvaraju, R. R., Cogswell, M., Das, A., Vedantam, R., Parikh, D., & Batra, D. (2017). Grad-CAM: "
    "Visual explanations from deep networks via gradient-based localization. ICCV.",
    "bach2015": "Bach, S., Binder, A., Montavon, G., Klauschen, F., Mueller, K.-R., & Samek, W. (2015). On "
    "pixel-wise explanations for non-linear classifier decisions by layer-wise relevance propagation. PLoS ONE, 10(7).",
    "montavon2019": "Montavon, G., Binder, A., Lapuschkin, S., Samek, W., & Mueller, K.-R. (2019). Layer-wise "
    "relevance propagation: An overview. In Explainable AI, Springer.",
    "montavon2017": "Montavon, G., Lapuschkin, S., Binder, A., Samek, W., & Mueller, K.-R. (2017). Explaining "
    "nonlinear classification decisions with deep Taylor decomposition. Pattern Recognition, 65, 211-222.",
    "shrikumar2017": "Shrikumar, A., Greenside, P., & Kundaje, A. (2017). Learning important features through "
    "propagating activation differences. ICML.",
    "ribeiro2016": "Ribeiro, M. T., Singh, S., & Guestrin, C. (2016). \"Why should I trust you?\": Explaining the "
    "predictions of any classifier. KDD.",
    "fong2017": "Fong, R. C., & Vedaldi, A. (2017). Interpretable explanations of black boxes by meaningful "
    "perturbation. ICCV.",
    "fuad2020": "Fuad, K. A. A., Martin, P.-E., Giot, R., Bourqui, R., Benois-Pineau, J., & Zemmari, A. (2020). "
    "Features understanding in 3D CNNs for actions recognition in video. IPTA.",
    "charachon2020": "Charachon, M., Hudelot, C., Cournède, P.-H., Ruppli, C., & Ardon, R. (2020). Combining "
    "similarity and adversarial learning to generate visual explanation: Application to medical image classification. "
    "ICPR.",
}


def closest(name: str, known: list[str]) -> str:
    """"did you mean ..." for a name that is not known, or all the names there are; nothing if there are none."""
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}" if known else ""
