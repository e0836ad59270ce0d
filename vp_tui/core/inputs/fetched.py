"""The files of a model on this machine, whether it is given as a folder or as a hub id."""

from vp_tui.core.inputs.source import ModelSource


def fetch(source: ModelSource) -> ModelSource:
    """Return `source` with its files on this machine; a hub id is downloaded.

    Raises:
        ModelError: the files cannot be downloaded, or are an adapter that cannot be merged.
    """
    if source.is_here:
        return source
    # the client takes a quarter of a second to import
    from vp_tui.core.inputs import hub

    return hub.download(source)
