"""The causal video shader: from the Gaussian render to each eye's refined picture, one step a frame.

conditions/   what the shader is told: crop, channels, motion, the photo carried by the surface -> `Conditions`
network/      the live model, its sizes, its weights
personal/     what it learns of one person
teacher/      the offline video model that it is to be distilled from
data/, training/, evaluation/
runtime/      engines (torch, onnxruntime, OpenVINO), the measured choice between them
stream.py     one avatar's shading frame by frame: warped memory, resets
network_files.py  weights of networks that are told `Conditions`, as files
interface.py  what passes between them
"""
