"""A small made-up set of messages that a bag of words can tell apart."""

from __future__ import annotations

from itertools import product

from adapters.types import LabelledText

SUBJECTS = {
    "refund": ("refund", "money back", "reimbursement", "repayment", "chargeback"),
    "delivery": ("parcel", "delivery", "package", "shipment", "courier"),
    "login": ("password", "login", "account access", "sign in", "verification code"),
}
FRAMES = (
    "where is my {}",
    "I am waiting for the {}",
    "tell me about {}",
    "{} please",
    "a question on {}",
    "is there news of the {}",
    "the {} is late",
    "help with {}",
)


def rows() -> tuple[LabelledText, ...]:
    """120 rows, 40 of each label, in no order that the labels give."""
    made = [
        LabelledText(text=frame.format(subject), label=label)
        for frame, (label, subjects) in product(FRAMES, SUBJECTS.items())
        for subject in subjects
    ]
    return tuple(made)
