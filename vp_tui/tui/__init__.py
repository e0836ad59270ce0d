"""The dashboard and the command line; never loads torch."""

if __name__ != "vp_tui.tui":
    raise ImportError("this folder is the package vp_tui.tui; import it by that name")
