"""The video shader in the app: which size, on which engine, where its pictures go, and how it keeps up.

choice.py    what a user may ask for
engines.py   sizes with weights, loaded, the fastest way to run each found once
personal.py  what an avatar knows of its person, in the engines
person.py    one person's crop, conditions and step: `PersonShader`
planes.py    refined colours with the render's depth
offline.py   a whole sequence by the teacher: `OfflineShader`
views.py     pasted into whole views, for the mirror and `inperson render`: `ViewShader`
keeping_up.py  which size the next of the mirror's pictures gets
figures.py   what shaded a session
mirror.py    the mirror's: `MirrorShader`
opening.py   from what was asked for to a shader that is ready
split.py     a picture without beside one with
headset.py   as what draws the avatar in a headset: `ShadedPictures`
"""
