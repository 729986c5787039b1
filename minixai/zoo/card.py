"""What a list of networks says about each of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """One network of the zoo.

    ``weights`` says where its weights come from, ``accuracy`` the share of pictures it never trained on that it gets
    right (None where nobody measured it here).
    """

    name: str
    title: str
    input_shape: tuple[int, ...]
    classes: tuple[str, ...]
    weights: str
    accuracy: float | None
