"""A scripted camera with VMC input beside it."""

from inperson.app.motion.pipeline import Pipeline, TrackingPlan
from inperson.app.vmc_input.pipeline import WithVmcInput
from inperson.avatar.body import load_body
from tests.app.tracking_doubles import EndlessPipeline


def scripted_with_vmc(plan: TrackingPlan) -> Pipeline:
    """What `open_pipeline` opens, the camera scripted."""
    assert plan.vmc is not None
    return WithVmcInput(lambda: EndlessPipeline(plan), plan.vmc, load_body(plan.body))
