"""Making an avatar better with a few seconds of video of the same person.

clip -> frames with mattes and tracked states (`preparing`) -> betas and per-frame alignment (`alignment`) ->
Gaussians and residuals (`optimise`) -> scores on the part of the clip that was held out (`scoring`); `clip` does
it all.
"""
