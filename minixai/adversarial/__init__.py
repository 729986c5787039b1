"""Adversarial pictures (Section 6): small changes, found with the network's help, after which it decides otherwise.

``limits`` says how far a pixel may go, ``aim`` what is wanted, ``record`` what was found; one file per attack.
"""

from minixai.adversarial.attacks import ATTACKS, attack
from minixai.adversarial.limits import Box
from minixai.adversarial.record import Attack, Report, report, success_rate

__all__ = ["ATTACKS", "Attack", "Box", "Report", "attack", "report", "success_rate"]
