"""Live motion to other programs: VMC, VRChat, ARKit blendshapes, a virtual camera (docs/outputs.md)."""
