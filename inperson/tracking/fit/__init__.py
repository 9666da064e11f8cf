"""Fitting SMPL-X to landmarks: Levenberg-Marquardt on SO(3) with analytic Jacobians.

Read in this order: `skeleton` (what moves), `problem` (what is asked), `rows` (residuals and their
derivatives), `solver` (the iteration). `observe` turns an `Observation` into a `FitProblem`.
"""
