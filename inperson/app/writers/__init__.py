"""Files that commands write, complete or not there at all: movies, folders of pictures, single pictures, texts.

Everything is written under a temporary name beside the target and renamed into place at the end, so a reader never
sees half a file. Writers find out that a place cannot be written when they are made: before any work.
"""

from inperson.app.writers.frames import FrameWriter, open_output
from inperson.app.writers.movie import Mp4Writer, WebmWriter
from inperson.app.writers.pictures import PngFolderWriter, check_new_folder, write_png
from inperson.app.writers.soundtrack import Soundtrack
from inperson.app.writers.whole import check_writable, write_text

__all__ = [
    "FrameWriter",
    "Mp4Writer",
    "PngFolderWriter",
    "Soundtrack",
    "WebmWriter",
    "check_new_folder",
    "check_writable",
    "open_output",
    "write_png",
    "write_text",
]
