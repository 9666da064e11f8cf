"""What a person runs: commands, the live session, devices, doctor.

commands/                                        what `cli` offers; settings/ are their defaults
live/                                            a session: start at `live.session`
motion/ vmc_input/                               what moves an avatar
mirror/ headset/ shading/                        where it is shown
outputs/                                         and sent
recording/ replay/ exporting/ importing/ audio/  sessions as files
pictures/ writers/                               avatars drawn outside of a session
making/ reports/                                 avatars made, and how that is told
processes/                                       between the processes of a session
"""
