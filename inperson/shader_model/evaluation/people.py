"""Whom evaluation shows: the people of `inperson evaluate create`, whom no network was trained on."""

from dataclasses import fields, replace

from inperson.reconstruct.training.people import PersonSeed, all_people
from inperson.reconstruct.training.recipe import FitErrorRecipe, PeopleRecipe
from inperson.shader_model.data.recipe import DataRecipe

FIT_SHARE = 0.6
"""Errors of the fit to the picture that an avatar is made from, in the largest that training draws: its mean."""


def evaluation_people(count: int) -> list[PersonSeed]:
    """The first `count` of them: in clothes, hair and skins that no training person has, and with other seeds than
    those whom training chooses its checkpoints by."""
    return all_people(replace(PeopleRecipe(), held_out=count), held_out=True)


def evaluation_recipe() -> DataRecipe:
    """How their avatars are made: as in training, but everyone's fit is equally wrong."""
    largest = FitErrorRecipe()
    fit = FitErrorRecipe(**{f.name: FIT_SHARE * getattr(largest, f.name) for f in fields(largest)})
    return DataRecipe(fit=fit, least_fit=1.0)
