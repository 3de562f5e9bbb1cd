"""Mail to series: mboxes, maildirs, patch files and replies, decoded and put in order."""

from ptlint.mail.raw import RawMail
from ptlint.mail.render import render_files
from ptlint.mail.series import all_series, read_series
from ptlint.mail.sources import read_sources

__all__ = ["RawMail", "all_series", "read_series", "read_sources", "render_files"]
